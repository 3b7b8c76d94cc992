"""One landed object as S3 gives it: what it refuses for the object's own sake, told from what may pass; its SHA-256."""

from __future__ import annotations

import hashlib
import io
from typing import IO, Any, Final

from botocore.exceptions import ClientError

from domain import layout
from domain.data.dataset import Source
from domain.errors import ObjectUnreadable
from lambdas.environment import Environment
from lambdas.telemetry import logger

# S3 says these with a status of 4xx although they are nobody's fault (Amazon S3 API Reference, Error responses; KMS's
# throttling comes through S3).
_PASSING: Final = frozenset(
    {"OperationAborted", "RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "KMS.ThrottlingException"}
)
_PASSING_STATUS: Final = (408, 409, 429)
_CHANGED: Final = frozenset({"NoSuchKey", "PreconditionFailed", "404", "412"})
_HINTS: Final = {
    "InvalidObjectState": "it is archived: restore it, or copy it to the storage class STANDARD",
    "InvalidRequest": "it may be encrypted with a key of your own (SSE-C), which S3 does not keep: upload it without",
    "AccessDenied": "it may be encrypted with another KMS key, or be denied by a policy: let the pipeline read it",
    "403": "it may be encrypted with another KMS key, or be denied by a policy: let the pipeline read it",
}
_CHUNK: Final = 1 << 20


def get_landed(env: Environment, landed: Source) -> dict[str, Any]:
    """GetObject's answer for exactly this object.

    Raises ObjectUnreadable, and ClientError for what may pass or is not the object's: the machine asks again.
    """
    try:
        return _get(env, landed)
    except ClientError as error:
        if not _is_the_object_s(error) or not _may_read(env):
            raise
    # IAM tells S3 of a new role within minutes: between the two calls above, the right may have come.
    try:
        return _get(env, landed)
    except ClientError as error:
        if not _is_the_object_s(error):
            raise
        said = error.response["Error"]
        hint = _HINTS.get(said["Code"], "see what it is encrypted with, and who may read it")
        words = f"S3 does not give it out ({said['Code']}: {said.get('Message', '')}): {hint}"
        raise ObjectUnreadable(words) from error


def _get(env: Environment, landed: Source) -> dict[str, Any]:
    key = {"Bucket": env.bucket, "Key": landed.key}
    answer: dict[str, Any] = env.client("s3").get_object(**key, IfMatch=f'"{landed.etag}"')
    return answer


def _is_the_object_s(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    passing = code in _PASSING or code in _CHANGED or status in _PASSING_STATUS
    return not passing and 400 <= status < 500


def _may_read(env: Environment) -> bool:
    """Whether this function may read landing at all: then S3 says of a key that nobody uses that there is none."""
    try:
        env.client("s3").head_object(Bucket=env.bucket, Key=layout.NOBODY_S)
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        logger().info("S3 was asked for a key that nobody uses", extra={"answer": code})
        return code in _CHANGED
    return True


class Hashed(io.RawIOBase):
    """A stream that is read once, and the SHA-256 of all of it."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body, self._sha256, self._given = body, hashlib.sha256(), 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as it goes; the number of bytes."""
        piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        self._sha256.update(piece)
        self._given += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Bytes read so far."""
        return self._given

    def digest(self) -> str:
        """64 hex digits, once what is left has been read, too."""
        while self.read(_CHUNK):
            pass
        return self._sha256.hexdigest()
