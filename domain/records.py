"""The record contract: what a row is, who it is, and which split it belongs to.

A row is `{"id", "features": {name: text}, "label"}` and, where there is such a column, `"group"` and `"slice"`. Its id
is a function of its features alone and its split a function of its id (or group) alone, so data can grow for ever and
no row ever moves between splits.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


class RowRejected(ValueError):
    """One row breaks the contract; the message says which rule and how to mend it."""


@dataclass(frozen=True)
class Contract:
    """The frozen part of the data settings (`DataSettings.frozen`)."""

    features: tuple[str, ...]
    label: str
    group: str | None
    test_percent: int
    validation_percent: int
    max_chars: int
    slice: str | None = None


@dataclass(frozen=True)
class Row:
    """One accepted row. `slice` is None for a row that belongs to no slice."""

    id: str
    features: dict[str, str]
    label: str
    group: str | None = None
    slice: str | None = None

    def to_json(self) -> str:
        """One JSON line, without the newline."""
        value: dict[str, object] = {"id": self.id, "features": self.features, "label": self.label}
        if self.group is not None:
            value["group"] = self.group
        if self.slice is not None:
            value["slice"] = self.slice
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def normalize(text: str) -> str:
    """NFC, with runs of white space folded to one blank and the ends trimmed.

    Two rows that differ only in white space or in Unicode composition are the same row: otherwise a copy of a test
    row could hide in the training split behind a trailing blank.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def row_id(features: Mapping[str, str]) -> str:
    """SHA-256 (64 hex digits) of the normalized features as canonical JSON."""
    text = json.dumps(dict(features), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def split_of(identity: str, test_percent: int, validation_percent: int) -> str:
    """Split of a row id or group hash: its first 32 bits modulo 100, test first, then validation, else train."""
    place = int(identity[:8], 16) % 100
    if place < test_percent:
        return "test"
    return "validation" if place < test_percent + validation_percent else "train"


def parse_row(raw: Mapping[str, object], contract: Contract) -> tuple[Row, str]:
    """The row and its split. A row without a value for the slice column belongs to no slice.

    Raises RowRejected if another column is missing or empty, or if any is no plain value or too long.
    """
    features = {name: _value(raw, name, contract.max_chars) for name in contract.features}
    label = _value(raw, contract.label, 256)
    group = _value(raw, contract.group, 1024) if contract.group else None
    part = _value(raw, contract.slice, 1024) if contract.slice and _is_given(raw.get(contract.slice)) else None
    row = Row(row_id(features), features, label, group, part)
    identity = hashlib.sha256(group.encode()).hexdigest() if group is not None else row.id
    return row, split_of(identity, contract.test_percent, contract.validation_percent)


def _is_given(value: object) -> bool:
    """Whether a cell holds anything but null, NaN or white space."""
    if isinstance(value, float):
        return not math.isnan(value)
    return bool(value.strip()) if isinstance(value, str) else value is not None


def _value(raw: Mapping[str, object], column: str, max_chars: int) -> str:
    value = raw.get(column)
    if isinstance(value, bool):
        value = "true" if value else "false"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise RowRejected(f"column {column!r} is missing: every row needs a value there")
    if not isinstance(value, str | int | float):
        raise RowRejected(f"column {column!r} holds a {type(value).__name__}: give text or a number")
    text = normalize(str(value))
    if not text:
        raise RowRejected(f"column {column!r} is empty: give it a value or remove the row")
    if "\x00" in text:
        raise RowRejected(f"column {column!r} holds a NUL byte: remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # JSON can escape half a surrogate pair, which no UTF-8 file, and so no part, can hold.
        raise RowRejected(f"column {column!r} holds half a surrogate pair: write the whole character") from error
    if len(text) > max_chars:
        raise RowRejected(f"column {column!r} has {len(text)} characters, over the limit of {max_chars}")
    return text
