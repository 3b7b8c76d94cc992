"""Finds a Python on which what is packed for Lambda can be run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from stacks.bundling import PYTHON_VERSION

# The wheels are for Linux on x86_64 with a glibc, which platform.libc_ver() names.
_ASK = "import platform, sys; print(*sys.version_info[:2], sys.platform, platform.machine(), platform.libc_ver()[0])"
_WANTED = [*PYTHON_VERSION.split("."), "linux", "x86_64", "glibc"]


def lambdas_python() -> str | None:
    """The path of an interpreter of Lambda's version that can load the wheels, or None if none is found."""
    for path in _candidates():
        line = [path, "-I", "-S", "-c", _ASK]
        # A shim of pyenv is there for versions that are not chosen, too, and then fails.
        asked = subprocess.run(line, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if asked.returncode == 0 and asked.stdout.split() == _WANTED:
            return path
    return None


def _candidates() -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{PYTHON_VERSION}"):
        yield found
    roots = [
        (Path.home() / ".pyenv" / "versions", f"{PYTHON_VERSION}*/bin/python"),
        (Path.home() / ".local" / "share" / "uv" / "python", f"cpython-{PYTHON_VERSION}*/bin/python"),
    ]
    if tools := os.environ.get("RUNNER_TOOL_CACHE"):
        roots.append((Path(tools) / "Python", f"{PYTHON_VERSION}*/x64/bin/python"))
    for root, pattern in roots:
        yield from map(str, sorted(root.glob(pattern), reverse=True))
