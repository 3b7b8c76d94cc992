"""Packs the training code as SageMaker's script mode wants it: a gzipped tarball, byte for byte the same each time.

Its hash is part of a run's identity, so it may depend on the code alone: not on clocks, users or file order.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import Final

from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.paths import ROOT, source_files, task_files, task_folder

_PACKAGES: Final = ("domain", "training")


class SourceDir(Construct):
    """The tarball as an asset: `uri` is its S3 location, `code_hash` the identity of its content (16 hex digits)."""

    def __init__(
        self, scope: Construct, construct_id: str, *, task: str, work: Path = ROOT / ".cache" / "sourcedir"
    ) -> None:
        super().__init__(scope, construct_id)
        content = archive(ROOT, task)
        # Of the uncompressed archive: another zlib may compress the same content to other bytes.
        self.code_hash = hashlib.sha256(content).hexdigest()[:16]
        # Kept by hash: two synths of different code at once must not overwrite each other's file.
        path = work / self.code_hash / "sourcedir.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_at_once(path, compressed(content))
        self.asset = s3_assets.Asset(self, "Asset", path=str(path))
        self.uri = self.asset.s3_object_url


def archive(root: Path, task: str) -> bytes:
    """The tar of `root`'s training code: all of domain/ and training/, the task, its requirements at the top."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in sorted(_members(root, task).items()):
            content = path.read_bytes()
            member = tarfile.TarInfo(name)  # mtime, uid and gid are 0 unless set
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def compressed(content: bytes) -> bytes:
    """`content` gzipped, without a name or a time in the header."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as stream:
        stream.write(content)
    return packed.getvalue()


def _write_at_once(path: Path, content: bytes) -> None:
    """Two synths of the same code write the same file: neither may read the other's half."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def _members(root: Path, task: str) -> dict[str, Path]:
    packages = (path for package in _PACKAGES for path in source_files(root / package) if path.suffix == ".py")
    files = (*packages, *task_files(root, task, training=True))
    members = {path.relative_to(root).as_posix(): path for path in files}
    # The toolkit installs the requirements that it finds next to the packages, before it runs the script.
    requirements = task_folder(root, task) / "requirements-train.txt"
    return members | ({"requirements.txt": requirements} if requirements.is_file() else {})
