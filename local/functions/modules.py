"""Which modules a function can import: those of its own package, Lambda's boto3, and the standard library.

An AWS package carries wheels for another Python than the local cloud's. So a local package carries its list of
requirements instead, and the function gets a folder of links to exactly these distributions, as they are installed
here, and to Lambda's own. Everything else that is installed lies outside of its `sys.path`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePath
from typing import Final

# Where a local package says what it would carry on AWS (`stacks/bundling.py` writes it).
REQUIREMENTS: Final = "requirements.txt"
# What Lambda's Python runtime has beside the standard library: boto3 and all that it needs.
RUNTIME: Final = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$")
_making = threading.Lock()


class PackageError(Exception):
    """A package's requirements cannot be met with what is installed here; the text says which."""


def pins(requirements: str) -> dict[str, str]:
    """Version by name, of a text with one `name==version` a line; comments are left out. Raises PackageError."""
    lines = [line.partition("#")[0].strip() for line in requirements.splitlines()]
    found = [(line, _PIN.match(line)) for line in lines if line]
    for line, pin in found:
        if pin is None:
            raise PackageError(f"a package pins its requirements with name==version: {line!r}")
    return {pin[1]: pin[2] for _, pin in found if pin}


def folder(requirements: str, parent: Path) -> Path:
    """The folder below `parent` that holds what a package with these requirements can import; made if it is new.

    Raises PackageError.
    """
    wanted = pins(requirements)
    into = parent / hashlib.sha256(repr(sorted(wanted.items())).encode()).hexdigest()[:12]
    with _making:
        if not into.exists():
            unfinished = into.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            link({**dict.fromkeys(RUNTIME), **wanted}, unfinished)
            unfinished.rename(into)
    return into


def link(distributions: Mapping[str, str | None], into: Path) -> None:
    """Link all that these distributions have installed here into the new folder `into`.

    `distributions`: the version that is wanted by name, None for any. Raises PackageError.
    """
    (into / "__pycache__").mkdir(parents=True)
    for name, version in distributions.items():
        try:
            found = distribution(name)
        except PackageNotFoundError:
            raise PackageError(f"the package wants {name}, which is not installed here: run make setup") from None
        if version and found.version != version:
            raise PackageError(f"the package wants {name} {version}, but {found.version} is installed: run make setup")
        for relative in _entries(found.files or []):
            os.symlink(str(found.locate_file(relative)), into / relative)


def _entries(files: Iterable[PurePath]) -> set[PurePath]:
    """Top-level files and folders, and the compiled form of top-level modules; never scripts, which lie elsewhere."""
    inside = [path for path in files if path.parts[0] != ".."]
    return {path if path.parts[0] == "__pycache__" else PurePath(path.parts[0]) for path in inside}
