"""The matrix as text: a line in the terminal, a row in docs/faults.md."""

from __future__ import annotations

from pathlib import Path

from tests.faults.case import Result


def line(result: Result) -> str:
    """One case in the terminal."""
    state = "BROKEN" if result.broken else "ok"
    return f"{state:6} {result.case.name:48} {result.verdict:8} {result.seconds:5.1f} s  {result.happened}"


def write(page: Path, results: list[Result]) -> None:
    """Write the page."""
    raise NotImplementedError
