"""Where the deployable code is, and a hash of it that is the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


def source_files(folder: Path) -> Iterator[Path]:
    """The files under `folder` that are code or its requirements, sorted; never caches or editor leftovers."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def fingerprint(folders: Iterable[Path], extra: Iterable[str] = ()) -> str:
    """SHA-256 (64 hex digits) of the names and contents of all source files in `folders`, and of `extra`."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in source_files(folder):
            name, content = path.relative_to(folder.parent).as_posix().encode(), path.read_bytes()
            digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    for text in extra:
        digest.update(b"%d %s" % (len(text.encode()), text.encode()))
    return digest.hexdigest()
