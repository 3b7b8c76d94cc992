"""The record contract: what a row is, and who it is; which split it belongs to is in `splits.py`.

A row is `{"id", "features": {name: text}, "label"}` and, where there is such a column, `"group"` and `"slice"`. Numbers
are texts, too, one for each double; what a row may lack and lacks is not among its features. Its id is a function of
its features alone and its split a function of its id (or group) alone, so data can grow for ever and no row ever moves
between splits.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from domain.data.spelling import MOST_COMPOSED, TooManyMarks, category, is_missing, number, plain
from domain.data.spelling import normalize as normalize
from domain.data.splits import split_of

if TYPE_CHECKING:
    from domain.settings import Kind

ColumnType = Literal["text", "category", "number", "image"]

_LABEL_CHARS: Final = 256
_GROUP_CHARS: Final = 1024
_MOST_TEXTS: Final = 1_000
# What the encoder that leaves letters as they are calls for a text, without what it does before that.
_json_text: Final = encode_basestring


class Rejected(ValueError):
    """Data breaks a rule: `rule` is its short, stable name, the message says what is wrong and how to mend it.

    `value` is what broke it, as far as it is known.
    """

    def __init__(self, rule: str, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.rule = rule
        self.value = value


class RowRejected(Rejected):
    """One row cannot be used; the rows around it can. `rows`: how many it counts for, where it swallowed others."""

    def __init__(self, rule: str, reason: str, value: object = None, rows: int = 1) -> None:
        super().__init__(rule, reason, value)
        self.rows = rows


class RowSetAside(Rejected):
    """What stands where a row could is none, and nothing is wrong with it: it counts as no broken row."""


class FileRejected(Rejected):
    """A whole file cannot be used, or cannot be read any further."""


class Content(NamedTuple):
    """What a column of images holds in a row as it was read: the text that is kept of it, and what it is known by.

    `sha256` has 64 hex digits. `name` is the file's, for a person.
    """

    sha256: str
    text: str
    name: str

    def __repr__(self) -> str:
        """The name alone: this is shown where a row is rejected."""
        return self.name


@dataclass(frozen=True)
class Column:
    """What a row must hold under `name`: a text, a number or a truth value, none of them empty, if it is `required`.
    A column of images holds a `Content`.

    As text, normalized, it has at most `max_chars` characters and is one of `allowed` (None: any). A category, which
    rows are counted or kept together by, and a number are spelled each in one way (`domain/data/spelling.py`).
    """

    name: str
    max_chars: int
    allowed: frozenset[str] | None = None
    required: bool = True
    type: ColumnType = "text"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The text by what is given. Raises RowRejected where what is given cannot be used."""
        return _Texts(self)


@dataclass(frozen=True)
class Contract:
    """What an epoch freezes: the columns that a row is known by, as its task reads them, and what else a row has.

    `labels` None is an open set. Of regression a label is a number. `closed` and `words` are those of a table
    (`domain/data/schema.py`).
    """

    features: tuple[Column, ...]
    label: str
    group: str | None
    test_percent: int
    validation_percent: int
    slice: str | None = None
    labels: frozenset[str] | None = None
    kind: Kind = "classification"
    closed: bool = False
    words: frozenset[str] = frozenset()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The schema of a row: features, label, and group and slice where there are such. Other columns are ignored."""
        return (*self.features, self.label_column, *filter(None, [self.group_column, self.slice_column]))

    @cached_property
    def types(self) -> dict[str, ColumnType] | None:
        """The features of a table in order, and the type of each; None where they are texts or images."""
        found = {column.name: column.type for column in self.features}
        return found if {"number", "category"} & set(found.values()) else None

    @cached_property
    def image(self) -> str | None:
        """The feature that is an image. A row that has one has no other feature, and is known by it."""
        return next((column.name for column in self.features if column.type == "image"), None)

    @cached_property
    def label_column(self) -> Column:
        """What is learned."""
        return Column(self.label, _LABEL_CHARS, self.labels, type="number" if self.kind == "regression" else "category")

    @cached_property
    def group_column(self) -> Column | None:
        """What keeps rows together."""
        return Column(self.group, _GROUP_CHARS, type="category") if self.group else None

    @cached_property
    def slice_column(self) -> Column | None:
        """What is judged by itself."""
        return Column(self.slice, _GROUP_CHARS, required=False, type="category") if self.slice else None


class Row(NamedTuple):
    """One accepted row; a tuple, since one is made for each row of a gigabyte.

    `slice` is None for a row that belongs to no slice.
    """

    id: str
    features: Mapping[str, str]
    label: str
    group: str | None = None
    slice: str | None = None

    def to_json(self) -> str:
        """One JSON line, without the newline."""
        label, features = _json_text(self.label), _json_object(self.features)
        if self.group is None and self.slice is None:
            return f'{{"id":"{self.id}","features":{features},"label":{label}}}'
        group = "" if self.group is None else f',"group":{_json_text(self.group)}'
        part = "" if self.slice is None else f',"slice":{_json_text(self.slice)}'
        return f'{{"id":"{self.id}","features":{features},"label":{label}{group}{part}}}'


def row_id(features: Mapping[str, str]) -> str:
    """SHA-256 (64 hex digits) of the normalized features as canonical JSON."""
    by_name = features if len(features) == 1 else {name: features[name] for name in sorted(features)}
    return hashlib.sha256(_json_object(by_name).encode()).hexdigest()


def _json_object(texts: Mapping[str, str]) -> str:
    # What json.dumps would give, without the encoder that it makes for each call.
    return "{" + ",".join([f"{_json_text(name)}:{_json_text(text)}" for name, text in texts.items()]) + "}"


def parse_row(raw: Mapping[str, object], contract: Contract) -> tuple[Row, str]:
    """The row and its split. A row without a value for the slice column belongs to no slice.

    Raises RowRejected if a column of the contract's schema is `missing`, `empty`, `not-plain`, `not-finite`, `nul`,
    `surrogate`, `marks`, `too-long`, `not-a-number` or `label-not-allowed`.
    """
    features = {column.name: text for column in contract.features if (text := cell(raw, column)) or column.required}
    if not features:
        raise RowRejected("empty", "no feature has a value: give the row one or remove it")
    label = cell(raw, contract.label_column)
    group = cell(raw, contract.group_column) if contract.group_column else None
    part = cell(raw, contract.slice_column) if contract.slice_column else None
    content = raw[contract.image] if contract.image else None
    known_as = content.sha256 if isinstance(content, Content) else row_id(features)
    row = Row(known_as, features, label, group, part or None)
    identity = hashlib.sha256(group.encode()).hexdigest() if group is not None else row.id
    return row, split_of(identity, contract.test_percent, contract.validation_percent)


def cell(raw: Mapping[str, object], column: Column) -> str:
    """The text of a column in a row as it is given; "" where there is none and none is required.

    Raises RowRejected, as `parse_row` does.
    """
    given = raw.get(column.name)
    if isinstance(given, str):
        if column.type != "text":
            return column.texts[given]
        # Most texts, in one look: it is spelled as it is, but for the blanks at its ends.
        if given.isascii() and given.isprintable() and "  " not in given:
            text = given.strip(" ")
            if 0 < len(text) <= column.max_chars and column.allowed is None:
                return text
    elif not column.required and _is_missing(given):
        return ""
    elif isinstance(given, Content):
        return given.text
    else:
        given = _plain(raw, column.name)
    return _checked(given, column)


class _Texts(dict[str, str]):
    """What each text of a column comes to, looked at once: labels, groups and slices come again and again."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, given: str) -> str:
        text = _checked(given, self._column)
        if len(self) < _MOST_TEXTS:
            self[given] = text
        return text


def _checked(given: str, column: Column) -> str:
    """The text that `given` is in a column. Raises RowRejected."""
    if len(given) > MOST_COMPOSED * column.max_chars:
        # Too long whatever it is composed to, unless most of it is white space.
        given = " ".join(given.split())
        if len(given) > MOST_COMPOSED * column.max_chars:
            raise _too_long(given, column)
    try:
        text = normalize(given)
    except TooManyMarks as error:
        raise RowRejected("marks", f"column {column.name!r} has {error}: remove them", given) from error
    if column.type == "category":
        text = category(text)
    elif column.type == "number":
        text = _number(text, column)
    if not text:
        if not column.required:
            return ""
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
        raise _too_long(text, column)
    if column.allowed is not None and text not in column.allowed:
        known = ", ".join(map(repr, sorted(column.allowed)[:10]))
        none = f"column {column.name!r} is none of the labels allowed ({known})"
        why = f"{none}: write one of these, or add it to data.labels with a new data.epoch"
        raise RowRejected("label-not-allowed", why, text)
    return text


def _number(text: str, column: Column) -> str:
    """The text of a number; "" where there is none. Raises RowRejected."""
    found = number(text)
    if found is None and text and not is_missing(text):
        what = f"column {column.name!r} holds no number: write it with digits and a decimal point"
        raise RowRejected("not-a-number", what, text)
    return found or ""


def _too_long(text: str, column: Column) -> RowRejected:
    over = f"column {column.name!r} has {len(text)} characters, over the limit of {column.max_chars}: shorten it"
    return RowRejected("too-long", over, text)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(raw: Mapping[str, object], column: str) -> str:
    """A value that is no text as text; raises RowRejected where there is none."""
    given = raw.get(column)
    if _is_missing(given):
        near = next((name for name in raw if name.strip().casefold() == column.strip().casefold()), None)
        meant = f" (there is {near!r})" if near and column not in raw else ""
        raise RowRejected("missing", f"column {column!r} is missing{meant}: give every row a value there")
    if isinstance(given, float) and math.isinf(given):
        raise RowRejected("not-finite", f"column {column!r} holds a number beyond all bounds: give it as text", given)
    text = plain(given)
    if text is None:
        raise RowRejected("not-plain", f"column {column!r} holds a list or an object: give text or a number", given)
    return text
