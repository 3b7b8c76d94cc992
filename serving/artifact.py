"""Turns a `model.tar.gz` into a checked model directory.

Whoever can write to the bucket can write a tarball, and the endpoint and Evaluate unpack it: so an archive is refused
unless every member is a plain file or directory inside the target, within the limits below, and the files are those
that the manifest was written for.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import Final

from domain.artifact import ArtifactError
from serving.manifest import load_manifest

# A serverless endpoint has 5 GB of disk for the tarball and its content together.
MAX_BYTES: Final = 3 * 2**30
MAX_MEMBERS: Final = 64
# What tarfile may read between two members (512 bytes, more with extended headers): it reads a header whole.
_MAX_HEADER_BYTES: Final = 2**16
# Zeros that close an archive: tar pads to records of 10 KiB by default.
_MAX_PADDING_BYTES: Final = 2**20


class _Metered(io.BufferedIOBase):
    """The decompressed archive, of which at most `allowance` more bytes may be read: no header is a memory bomb."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.allowance = 0
        self._stream = stream

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self.allowance:
            raise ArtifactError(f"the archive asks to read {size} bytes where at most {self.allowance} are expected")
        self.allowance -= size
        return self._stream.read(size)

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        return self._stream.tell()


def extract(tar_path: Path, into: Path) -> Path:
    """Unpack `tar_path` as the directory `into`, which must be absent or empty, and verify it; returns `into`.

    Atomic: `into` appears whole and verified, or not at all. Raises ArtifactError for an archive that is refused,
    OSError (such as FileExistsError, no space left) for trouble on our side.
    """
    if into.exists() and any(into.iterdir()):
        raise FileExistsError(f"{into} is not empty")
    into.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        with gzip.open(tar_path, "rb") as stream:
            _unpack(stream, staging)
        load_manifest(staging)
        staging.chmod(0o755)
        staging.rename(into)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RecursionError, ValueError) as error:
        raise ArtifactError(f"{tar_path.name} is damaged or not a gzipped tarball: {error}") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArtifactError(f"{tar_path.name} has members that collide: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return into


def _unpack(stream: gzip.GzipFile, staging: Path) -> None:
    metered = _Metered(stream)
    metered.allowance = _MAX_HEADER_BYTES
    seen: set[str] = set()
    remaining = MAX_BYTES
    with tarfile.TarFile(fileobj=metered, mode="r", copybufsize=2**20) as tar:
        while (member := tar.next()) is not None:
            _check(member)
            name = os.path.normpath(member.name)
            if name in seen:
                raise ArtifactError(f"{member.name!r} is in the archive twice")
            seen.add(name)
            if len(seen) > MAX_MEMBERS:
                raise ArtifactError(f"more than {MAX_MEMBERS} members")
            remaining -= member.size
            if remaining < 0:
                raise ArtifactError(f"more than {MAX_BYTES} bytes when unpacked")
            metered.allowance = member.size
            tar.extract(member, staging, filter=_harmless)
            metered.allowance = _MAX_HEADER_BYTES
        _check_end(stream, tar.offset)


def _check(member: tarfile.TarInfo) -> None:
    """Refuse what a model archive has no use for, before anything is written. Raises ArtifactError."""
    name = member.name
    if member.issparse():
        raise ArtifactError(f"{name!r} is a sparse file")
    if not (member.isreg() or member.isdir()):
        kind = "link" if member.issym() or member.islnk() else "device or other special file"
        raise ArtifactError(f"{name!r} is a {kind}")
    if name.startswith(("/", "\\")) or ":" in name or ".." in re.split(r"[/\\]", name):
        raise ArtifactError(f"{name!r} points outside the model directory")
    if not name or len(name.encode(errors="replace")) > 200:
        raise ArtifactError("a member's name is empty or longer than 200 bytes")
    if member.size < 0 or (member.isdir() and member.size):
        raise ArtifactError(f"{name!r} has the impossible size {member.size}")


def _harmless(member: tarfile.TarInfo, destination: str) -> tarfile.TarInfo:
    """Python's own filter for data, then permissions and times that owe nothing to the archive."""
    checked = tarfile.data_filter(member, destination)
    return checked.replace(mode=0o755 if checked.isdir() else 0o644, mtime=0, deep=False)


def _check_end(stream: gzip.GzipFile, offset: int) -> None:
    """Read to the end, so that gzip's checksum is verified, and accept nothing there but padding."""
    stream.seek(offset)
    rest = stream.read(_MAX_PADDING_BYTES)
    if rest.strip(b"\0") or stream.read(1):
        raise ArtifactError("the archive goes on after its last member")
