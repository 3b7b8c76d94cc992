"""Every kind of broken model artifact that a bucket may hold, made of a sound one (`models.py`)."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

from domain.artifact import MANIFEST, MODEL, sha256_file
from tasks.text.manifest import TOKENIZER
from tests.faults.models import LABELS


def packed(files: Path, extra: Callable[[tarfile.TarFile], None] | None = None) -> bytes:
    """A gzipped tarball of the files of a directory, and of what `extra` adds."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(files.iterdir()):
            tar.add(path, arcname=path.name)
        if extra:
            extra(tar)
    return buffer.getvalue()


def hostile(kind: str, files: Path) -> bytes | None:
    """The tarball of a broken or bad artifact made of a sound one's `files`; None where there is to be none."""
    if kind == "missing":
        return None
    if kind == "truncated":
        whole = packed(files)
        return whole[: len(whole) // 2]
    if kind == "not-a-tarball":
        return b"<html>503 Slow Down</html>"
    if kind == "traversal":
        return packed(files, lambda tar: _add(tar, "../../escaped.txt", b"out"))
    if kind == "symlink":
        return packed(files, lambda tar: _link(tar, "labels.txt", "/etc/passwd"))
    if kind == "sparse":
        return _sparse(files)
    if kind == "checksum":
        (files / MODEL).write_bytes((files / MODEL).read_bytes() + b"\0")
    if kind == "backwards":
        manifest = json.loads((files / MANIFEST).read_text())
        (files / MANIFEST).write_text(json.dumps({**manifest, "labels": LABELS[::-1]}))
    if kind == "onnx":
        (files / MODEL).write_bytes(b"no graph")
        manifest = json.loads((files / MANIFEST).read_text())
        manifest["sha256"][MODEL] = sha256_file(files / MODEL)
        (files / MANIFEST).write_text(json.dumps(manifest))
    if kind == "tokenizer":
        broken = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}
        (files / TOKENIZER).write_text(
            json.dumps({**json.loads((files / TOKENIZER).read_text()), "normalizer": broken})
        )
        manifest = json.loads((files / MANIFEST).read_text())
        manifest["sha256"][TOKENIZER] = sha256_file(files / TOKENIZER)
        (files / MANIFEST).write_text(json.dumps(manifest))
    if kind == "extra":
        return packed(files, lambda tar: _add(tar, "model.onnx.more", b"weights that no checksum covers"))
    return packed(files)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _sparse(files: Path) -> bytes:
    """A member of 10 GB of nothing, in GNU's sparse format: one block of header, no data."""
    member = tarfile.TarInfo("weights.bin")
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 0
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    real = (10 * 2**30).to_bytes(11, "big")
    header[483:495] = b"\x80" + real
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(files.iterdir()):
            tar.add(path, arcname=path.name)
    plain = buffer.getvalue().rstrip(b"\0")
    plain += b"\0" * (-len(plain) % 512)
    return gzip.compress(plain + bytes(header) + b"\0" * 1024)
