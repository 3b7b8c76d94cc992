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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

_LABEL_CHARS: Final = 256
_GROUP_CHARS: Final = 1024
_json_text: Final = json.JSONEncoder(ensure_ascii=False).encode


class Rejected(ValueError):
    """Data breaks a rule: `rule` is its short, stable name, the message says what is wrong and how to mend it.

    `value` is what broke it, as far as it is known.
    """

    def __init__(self, rule: str, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.rule = rule
        self.value = value


class RowRejected(Rejected):
    """One row cannot be used; the rows around it can."""


class FileRejected(Rejected):
    """A whole file cannot be used, or cannot be read any further."""


@dataclass(frozen=True)
class Column:
    """What a row must hold under `name`: a text, a number or a truth value, none of them empty, if it is `required`.

    As text, normalized, it has at most `max_chars` characters and is one of `allowed` (None: any).
    """

    name: str
    max_chars: int
    allowed: frozenset[str] | None = None
    required: bool = True


@dataclass(frozen=True)
class Contract:
    """The frozen part of the data settings (`DataSettings.frozen`). `labels` None is an open set."""

    features: tuple[str, ...]
    label: str
    group: str | None
    test_percent: int
    validation_percent: int
    max_chars: int
    slice: str | None = None
    labels: frozenset[str] | None = None

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The schema of a row: features, label, and group and slice where there are such. Other columns are ignored."""
        features = [Column(name, self.max_chars) for name in self.features]
        group = [Column(self.group, _GROUP_CHARS)] if self.group else []
        part = [Column(self.slice, _GROUP_CHARS, required=False)] if self.slice else []
        return (*features, Column(self.label, _LABEL_CHARS, self.labels), *group, *part)


class Row(NamedTuple):
    """One accepted row; a tuple, since one is made for each row of a gigabyte.

    `slice` is None for a row that belongs to no slice.
    """

    id: str
    features: dict[str, str]
    label: str
    group: str | None = None
    slice: str | None = None

    def to_json(self) -> str:
        """One JSON line, without the newline."""
        group = "" if self.group is None else f',"group":{_json_text(self.group)}'
        part = "" if self.slice is None else f',"slice":{_json_text(self.slice)}'
        features = _json_object(self.features, self.features)
        return f'{{"id":"{self.id}","features":{features},"label":{_json_text(self.label)}{group}{part}}}'


def normalize(text: str) -> str:
    """NFC, with runs of white space folded to one blank and the ends trimmed.

    Two rows that differ only in white space or in Unicode composition are the same row: otherwise a copy of a test
    row could hide in the training split behind a trailing blank.
    """
    text = unicodedata.normalize("NFC", text)
    # What is printable has no white space but blanks; to see that takes a third of the time of the fold.
    if text.isprintable() and "  " not in text:
        return text.strip(" ")
    return " ".join(text.split())


def row_id(features: Mapping[str, str]) -> str:
    """SHA-256 (64 hex digits) of the normalized features as canonical JSON."""
    return hashlib.sha256(_json_object(features, sorted(features)).encode()).hexdigest()


def _json_object(texts: Mapping[str, str], names: Iterable[str]) -> str:
    # What json.dumps would give, without the encoder that it makes for each call.
    return "{" + ",".join([f"{_json_text(name)}:{_json_text(texts[name])}" for name in names]) + "}"


def split_of(identity: str, test_percent: int, validation_percent: int) -> str:
    """Split of a row id or group hash: its first 32 bits modulo 100, test first, then validation, else train."""
    place = int(identity[:8], 16) % 100
    if place < test_percent:
        return "test"
    return "validation" if place < test_percent + validation_percent else "train"


def parse_row(raw: Mapping[str, object], contract: Contract) -> tuple[Row, str]:
    """The row and its split. A row without a value for the slice column belongs to no slice.

    Raises RowRejected if a column of the contract's schema is `missing`, `empty`, `not-plain`, `nul`, `surrogate`,
    `too-long` or `label-not-allowed`.
    """
    values = {
        column.name: _value(raw, column)
        for column in contract.columns
        if column.required or _is_given(raw.get(column.name))
    }
    features = {name: values[name] for name in contract.features}
    group = values[contract.group] if contract.group else None
    part = values.get(contract.slice) if contract.slice else None
    row = Row(row_id(features), features, values[contract.label], group, part)
    identity = hashlib.sha256(group.encode()).hexdigest() if group is not None else row.id
    return row, split_of(identity, contract.test_percent, contract.validation_percent)


def _is_given(value: object) -> bool:
    """Whether a cell holds anything but null, NaN or white space."""
    if isinstance(value, float):
        return not math.isnan(value)
    return bool(value.strip()) if isinstance(value, str) else value is not None


def _value(raw: Mapping[str, object], column: Column) -> str:
    given = raw.get(column.name)
    text = normalize(given if isinstance(given, str) else _plain(given, column.name))
    if not text:
        raise RowRejected("empty", f"column {column.name!r} is empty: give it a value or remove the row")
    if "\x00" in text:
        raise RowRejected("nul", f"column {column.name!r} holds a NUL byte: remove it", text)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            # JSON can escape half a surrogate pair, which no UTF-8 file, and so no part, can hold.
            half = f"column {column.name!r} holds half a surrogate pair: write the whole character"
            raise RowRejected("surrogate", half, text) from error
    if len(text) > column.max_chars:
        over = f"column {column.name!r} has {len(text)} characters, over the limit of {column.max_chars}"
        raise RowRejected("too-long", over, text)
    if column.allowed is not None and text not in column.allowed:
        known = ", ".join(map(repr, sorted(column.allowed)[:10]))
        raise RowRejected("label-not-allowed", f"column {column.name!r} is none of the labels allowed ({known})", text)
    return text


def _plain(given: object, column: str) -> str:
    """A value that is no text as text; raises RowRejected where there is none."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if given is None or (isinstance(given, float) and math.isnan(given)):
        raise RowRejected("missing", f"column {column!r} is missing: every row needs a value there")
    if not isinstance(given, int | float):
        raise RowRejected(
            "not-plain", f"column {column!r} holds a {type(given).__name__}: give text or a number", given
        )
    return str(given)
