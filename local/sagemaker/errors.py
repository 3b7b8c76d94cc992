"""The errors that SageMaker answers with, spelled as AWS spells them.

Callers match on these texts (the redeploy step looks for "Could not find"), so they live in one place.
Sources: botocore's service model for the modelled ones (ResourceInUse, ResourceNotFound, ModelError, …);
the unmodelled ValidationException texts are AWS's own wording as its users quote it.
"""

from __future__ import annotations


class ApiError(Exception):
    """An answer other than 200. `code` is what botocore shows as Error.Code, `status` the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **fields: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.fields = code, message, status, fields


def invalid(message: str) -> ApiError:
    """A refused request."""
    return ApiError("ValidationException", message)


def not_found(kind: str, arn: str) -> ApiError:
    """`kind` as AWS words it: "endpoint", "endpoint configuration", "model"."""
    return invalid(f'Could not find {kind} "{arn}".')


def exists(kind: str, arn: str) -> ApiError:
    """A name that is taken."""
    return invalid(f'Cannot create already existing {kind} "{arn}".')


def in_progress(arn: str) -> ApiError:
    """An endpoint that is Creating, Updating or Deleting accepts neither update nor delete."""
    return invalid(f'Cannot update in-progress endpoint "{arn}".')


def limit_exceeded(quota: str, limit: int, used: int, delta: int) -> ApiError:
    """A request that the account's quota does not allow.

    The code is botocore's; the sentence is AWS's for instances ("The account-level service limit 'ml.… usage' is 0
    Instances, with current utilization of …"), and how it words a quota without a unit is not confirmed.
    """
    return ApiError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{quota}' is {limit}, with current utilization of {used} and a request "
        f"delta of {delta}. Please use AWS Service Quotas to request an increase for this quota.",
    )


def throttled() -> ApiError:
    """More concurrent requests than the endpoint's MaxConcurrency.

    botocore's model of InvokeEndpoint has no such error; its users report this code with status 400 and no message
    (opensearch-project/ml-commons #2429, aws/amazon-kinesis-video-streams-parser-library #187).
    """
    return ApiError("ThrottlingException", "", 400)


def model_error(status: int, message: str, log_group: str) -> ApiError:
    """The container answered 4xx or 5xx, or not at all; InvokeEndpoint says 424 (botocore: ModelError)."""
    what = "client" if status < 500 else "server"
    text = (
        f'Received {what} error ({status}) from primary with message "{message}". '
        f"See {log_group} in your account for more information."
    )
    return ApiError("ModelError", text, 424, OriginalStatusCode=status, OriginalMessage=message)
