"""Where the deployable code is, and a hash of it that is the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import tasks

ROOT: Final = Path(__file__).resolve().parent.parent


def source_files(folder: Path) -> Iterator[Path]:
    """The files under `folder` that are code or its requirements, sorted; never caches or editor leftovers."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def task_folder(root: Path, task: str) -> Path:
    """The folder of a task."""
    return root / "tasks" / tasks.folder(task)


def task_files(root: Path, task: str, *, training: bool = False) -> Iterator[Path]:
    """The Python files of one task, with what all tasks share.

    What only a job imports is among them if it is for `training`: `train.py`, and a folder `training` beside it.
    """
    for path in (*sorted((root / "tasks").glob("*.py")), *source_files(task_folder(root, task))):
        heavy = path.name == "train.py" or path.parent.name == "training"
        if path.suffix == ".py" and (training or not heavy):
            yield path


def fingerprint(root: Path, files: Iterable[Path], extra: Iterable[str] = ()) -> str:
    """SHA-256 (64 hex digits) of the names (below `root`) and contents of all `files`, and of `extra`."""
    digest = hashlib.sha256()
    for path in files:
        name, content = path.relative_to(root).as_posix().encode(), path.read_bytes()
        digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    for text in extra:
        digest.update(b"%d %s" % (len(text.encode()), text.encode()))
    return digest.hexdigest()
