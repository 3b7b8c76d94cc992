"""What can go wrong for a person at the keyboard, each with what to do about it.

OpsError
├── NotDeployed      there is no such pipeline in this account and region
├── NoAccess         credentials, region or network are missing
├── NotFound         a run, a source or a live model that is not there
└── Unusable         an argument that cannot be used
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

_MISSING = ("ResourceNotFoundException", "StateMachineDoesNotExist", "NoSuchBucket")
_REFUSED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredToken",
)


class OpsError(Exception):
    """A message for a person, each argument a line of it; the command ends with exit code 2."""

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self.args)


class NotDeployed(OpsError):
    """There is no such pipeline in this account and region."""


class NoAccess(OpsError):
    """AWS cannot be asked: no credentials, no region, no connection, no permission."""


class NotFound(OpsError):
    """What was asked for is not there."""


class Unusable(OpsError):
    """An argument that cannot be used."""


@contextmanager
def in_plain_words(project: str) -> Iterator[None]:
    """Turn boto3's errors into an OpsError that says what to do; all others pass."""
    try:
        yield
    except NoCredentialsError as error:
        raise NoAccess(
            "No AWS credentials. Set AWS_PROFILE (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), "
            "or try it without an account: mlops local"
        ) from error
    except NoRegionError as error:
        raise NoAccess("No AWS region. Set AWS_REGION, for example to us-east-1.") from error
    except EndpointConnectionError as error:
        raise NoAccess(f"{error} Is AWS_ENDPOINT_URL right, and is the local cloud still running?") from error
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in _MISSING:
            raise NotDeployed(not_deployed(project)) from error
        if code in _REFUSED:
            raise NoAccess(f"AWS refused {error.operation_name}: {message or code}") from error
        raise OpsError(f"AWS said {code} to {error.operation_name}: {message}") from error
    except BotoCoreError as error:
        raise OpsError(f"AWS could not be asked: {error}") from error


def not_deployed(project: str) -> str:
    """What to tell somebody whose pipeline is not there."""
    return (
        f"No pipeline named {project!r} in this account and region. Deploy it (make deploy), start a local one "
        f"(mlops local), or name another one (--project, or MLOPS_PROJECT)."
    )
