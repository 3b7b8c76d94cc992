"""S3 on disk: 1.5.33 keeps no object's body in memory once it is in a file, but its versions' bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import s3


def apply() -> None:
    """Apply the patch; it matters under S3_PERSIST=1, which the local cloud always sets."""
    s3._persist_object = _versions_too(s3._persist_object)


def _versions_too(original: Callable[..., None]) -> Callable[..., None]:
    """A versioned bucket keeps every checkpoint ever written: hundreds of MB that no one reads again."""

    def persist(bucket: str, key: str, record: Any) -> None:
        original(bucket, key, record)
        if not isinstance(record, dict) or record.get("body") is not None:
            return  # It could not be written; memory is all there is.
        current = record.get("version_id") or "null"
        for version in s3._object_versions.get((bucket, key)) or []:
            # MiniStack reads a version without data from its file: the current object's, or its own once displaced.
            if version["version_id"] == current or s3._version_file_exists(bucket, key, version["version_id"]):
                version["data"] = None

    return persist
