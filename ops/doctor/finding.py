"""What the doctor says: one finding is one thing that was looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
)


class Level(StrEnum):
    """`warning`: it may be wrong later, or it could not be looked at. `wrong`: it does not work as it is."""

    FINE = "fine"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` is the command, or the change, that mends it; "" where nothing is to be mended."""

    area: str
    name: str
    level: Level
    sentence: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """The finding as JSON-ready values."""
        return {**asdict(self), "level": str(self.level)}

    def at_most(self, level: Level) -> Finding:
        """The same, but no worse than `level`."""
        order = list(Level)
        return self if order.index(self.level) <= order.index(level) else replace(self, level=level)


def unknown(area: str, name: str, error: BotoCoreError | ClientError) -> Finding:
    """A question that AWS did not answer: never fine, and never wrong."""
    return Finding(area, name, Level.WARNING, f"Not known: {why(error)}", fix_of(error))


def why(error: BotoCoreError | ClientError) -> str:
    """Why AWS did not answer, in one sentence."""
    if isinstance(error, ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if is_refusal(error):
            return f"these credentials may not ask for it ({error.operation_name}: {code})."
        return f"AWS answered {code} to {error.operation_name}{f': {message}' if message else ''}"
    if isinstance(error, NoCredentialsError):
        return "there are no AWS credentials."
    return f"AWS could not be asked: {error}"


def fix_of(error: BotoCoreError | ClientError) -> str:
    """What makes an unanswered question answerable, "" where that is not known."""
    if isinstance(error, ClientError) and is_refusal(error):
        service = error.operation_name
        return f"allow {service} to the role or user that asks, or ask somebody who may"
    if isinstance(error, EndpointConnectionError | ConnectionError | HTTPClientError):
        return "look at the network, and at AWS_REGION and AWS_ENDPOINT_URL; then ask again"
    return ""


def is_refusal(error: ClientError) -> bool:
    """Whether the caller lacks a right: AWS's services word it in several ways."""
    code = str(error.response["Error"]["Code"])
    return "AccessDenied" in code or code in ("UnauthorizedOperation", "AuthorizationError", "NotAuthorized")
