"""A folder that answers as a bucket does to what deriving asks of S3, so that S3's speed is not measured."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from domain.settings import Settings
from lambdas.environment import Environment


class Missing(Exception):
    """There is no such key."""


class _Exceptions:
    NoSuchKey = Missing
    ClientError = Missing


class FolderS3:
    """The calls of an S3 client that `lambdas/dataset/parts.py` makes. `read` counts the bytes read of each key."""

    exceptions: ClassVar[type] = _Exceptions

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.read: dict[str, int] = {}

    def get_object(self, *, Bucket: str, Key: str, IfMatch: str = "") -> dict[str, Any]:  # noqa: N803
        """A body that is read from the disk as it is asked for, as S3's is from the socket. Raises Missing."""
        path = self._folder / Key
        if not path.exists():
            raise Missing(f"no {Key} in {Bucket} ({IfMatch})")
        return {"Body": _Body(path, self.read, Key), "ContentLength": path.stat().st_size}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803, ARG002
        """Keep small bytes."""
        self._place(Key).write_bytes(Body)

    def upload_file(self, path: str, _bucket: str, key: str) -> None:
        """Keep a file."""
        shutil.move(path, self._place(key))

    def _place(self, key: str) -> Path:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class _Body(io.FileIO):
    def __init__(self, path: Path, counts: dict[str, int], key: str) -> None:
        super().__init__(os.fspath(path))
        self._counts, self._key = counts, key

    def readinto(self, buffer: Any) -> int | None:
        return self._count(super().readinto(buffer))

    def readall(self) -> bytes:
        found = super().readall()
        self._count(len(found))
        return found

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return self.readall()
        found = super().read(size) or b""
        self._count(len(found))
        return found

    def _count(self, size: int | None) -> int | None:
        self._counts[self._key] = self._counts.get(self._key, 0) + (size or 0)
        return size


@dataclass(frozen=True)
class FolderEnvironment(Environment):
    """A function's environment whose only AWS service is a folder."""

    s3: Any = None

    @classmethod
    def over(cls, folder: Path, settings: Settings | None = None) -> FolderEnvironment:
        """The environment that `folder` is the bucket of, with the settings that ship if no others are given."""
        settings = settings or Settings(project="measured")
        unused = "not used in a folder"
        return cls(
            project=settings.project,
            bucket="bucket",
            ledger_table=unused,
            state_machine_arn=unused,
            topic_arn=unused,
            endpoint=unused,
            settings=settings,
            code_uri=unused,
            code_hash=unused,
            training_image=unused,
            serving_image=unused,
            endpoint_role_arn=unused,
            s3=FolderS3(folder),
        )

    def client(self, service: str) -> Any:
        """The folder. Raises LookupError for another service than S3."""
        if service != "s3":
            raise LookupError(f"deriving asked for {service}, and a folder stands for S3 alone")
        return self.s3
