"""/opt/ml/checkpoints and its S3 prefix.

As AWS documents it (developer guide, "Checkpoints"): what S3 holds is copied down at the start of the job; during
training new files are copied up, and "if a checkpoint is deleted in the container, it will also be deleted in the
S3 folder". Locally a file goes up once it was the same in two looks, so that only whole files travel. An
interruption makes no last copy, which is harsher than the two minutes that AWS usually grants.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local.sagemaker.clients import TRANSFER, keys, split_uri

Signature = tuple[int, int]
"""Size and modification time in ns."""


class Checkpoints:
    """One job attempt's checkpoint directory and where it lives in S3."""

    def __init__(self, s3: Any, uri: str, directory: Path) -> None:
        self._s3, self._directory = s3, directory
        self._bucket, prefix = split_uri(uri)
        self._prefix = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        self._seen: dict[str, Signature] = {}
        self._stored: dict[str, Signature] = {}

    def restore(self) -> int:
        """Copy every object under the prefix down; the number of files."""
        for key in keys(self._s3, self._bucket, self._prefix):
            relative = key[len(self._prefix) :]
            path = self._directory / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            self._s3.download_file(self._bucket, key, str(path), Config=TRANSFER)
            self._stored[relative] = _signature(path)
        return len(self._stored)

    def sync(self, *, final: bool = False) -> None:
        """Copy settled new and changed files up, then delete what is gone; `final` (process over) copies all.

        Nothing is deleted while something has still to go up: S3 would lose the last whole checkpoint for a part of
        the next one.
        """
        now = {
            str(path.relative_to(self._directory)): _signature(path)
            for path in sorted(self._directory.rglob("*"))
            if path.is_file()
        }
        for relative, signature in now.items():
            settled = final or self._seen.get(relative) == signature
            if settled and self._stored.get(relative) != signature:
                self._upload(relative, signature)
        if all(self._stored.get(relative) == signature for relative, signature in now.items()):
            for relative in self._stored.keys() - now.keys():
                self._s3.delete_object(Bucket=self._bucket, Key=self._prefix + relative)
                del self._stored[relative]
        self._seen = now

    def _upload(self, relative: str, signature: Signature) -> None:
        try:
            self._s3.upload_file(
                str(self._directory / relative), self._bucket, self._prefix + relative, Config=TRANSFER
            )
        except FileNotFoundError:
            return  # The script pruned it between the look and the copy; the next look settles it.
        self._stored[relative] = signature


def _signature(path: Path) -> Signature:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (-1, -1)
    return status.st_size, status.st_mtime_ns
