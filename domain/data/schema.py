"""The columns of a table: what an epoch's first file says of them, and whether a later file has the same.

Where the settings do not name the features or their types, the first file that can be used does. What it says is frozen
with the epoch: a column that meant a number to one model and a word to the next would be no column to compare them by.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from domain.data.records import Contract, FileRejected
from domain.data.spelling import TooManyMarks, is_missing, normalize, number, plain
from domain.printable import brief

if TYPE_CHECKING:
    from domain.data.settings import DataSettings, FeatureType

# As many features as may be named in the settings.
_MOST_FEATURES: Final = 256
# A column is one of numbers though so many of its values are none: somebody wrote "unknown" here and there. Such rows
# are rejected, as they are in later files.
_MOST_WORDS: Final = 0.05
# A category with so many values, most of them once, is a name or a number of a row, which a model can only learn by
# heart.
_MANY_VALUES: Final = 1_000
# Fewer values than these may all be numbers by chance.
_ENOUGH_VALUES: Final = 20
# No number is longer than that.
_MOST_LOOKED_AT: Final = 400
_AS_BEFORE: Final = "give the file the columns that the others have, or raise data.epoch to begin with other columns"


@dataclass(frozen=True)
class Schema:
    """The features of a table in order, and the type of each.

    `words` are categories of whose values none was a number. `closed`: the features are all that files have beside the
    label, the group and the slice. `notices` are for a person, sentences without a full stop.
    """

    types: Mapping[str, FeatureType]
    words: frozenset[str] = frozenset()
    closed: bool = False
    notices: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Schema:
        """The inverse of `to_json`."""
        return cls(dict(value["types"]), frozenset(value["words"]), value["closed"], tuple(value["notices"]))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form; the types are pairs, since their order counts."""
        return {
            "types": [list(pair) for pair in self.types.items()],
            "words": sorted(self.words),
            "closed": self.closed,
            "notices": list(self.notices),
        }


@dataclass
class _Seen:
    """What a column held in the rows so far."""

    values: int = 0
    numbers: int = 0
    different: set[str] = field(default_factory=set)

    def see(self, given: object) -> None:
        text = _text(given)
        if not text or is_missing(text):
            return
        self.values += 1
        self.numbers += number(text) is not None
        if len(self.different) <= _MANY_VALUES:
            self.different.add(text)

    @property
    def type(self) -> FeatureType:
        return "number" if self.values - self.numbers <= _MOST_WORDS * self.values else "category"

    def oddity(self, name: str) -> str | None:
        """What a person should know of the column, as a sentence without a full stop."""
        if self.type == "number":
            words = self.values - self.numbers
            return f"column {brief(name)!r} has numbers, but for {words} of {self.values} values" if words else None
        if self.values < _ENOUGH_VALUES or len(self.different) <= min(_MANY_VALUES, self.values / 2):
            return None
        return (
            f"column {brief(name)!r} has another value in nearly each row, from which no model can learn: name the "
            "other columns in data.features"
        )


class FirstFile:
    """The rows of the file that says what the columns are; `see` is given each, or enough of them."""

    def __init__(self, data: DataSettings) -> None:
        self._data, self._rows = data, 0
        self._others = {data.label, data.group, data.slice}
        self._columns: dict[str, _Seen] = {name: _Seen() for name in data.features or ()}

    def see(self, row: Mapping[str, object]) -> None:
        """One row by its columns' names. Raises FileRejected for more columns than a model may have."""
        self._rows += 1
        for name, value in row.items():
            if name not in self._columns:
                if self._data.features is not None or name in self._others or not name:
                    continue
                if len(self._columns) >= _MOST_FEATURES:
                    many = f"over {_MOST_FEATURES} columns: name in data.features those that the model is to read"
                    raise FileRejected("columns", many)
                self._columns[name] = _Seen()
            self._columns[name].see(value)

    def schema(self) -> Schema:
        """What the columns are, by the settings first. Raises FileRejected where neither says it."""
        if not self._rows:
            raise FileRejected(
                "no-rows", "no row that could be read: give it rows, since the first file says what the columns are"
            )
        if not self._columns:
            raise FileRejected("columns", f"no column but {self._data.label!r}: add columns to learn from")
        declared = self._data.types or {}
        for name, seen in self._columns.items():
            if not seen.values and name not in declared:
                nothing = f"column {brief(name)!r} has no value in any row"
                raise FileRejected("columns", f"{nothing}: say in data.types what it holds, or leave it out")
        types = {name: declared.get(name, seen.type) for name, seen in self._columns.items()}
        words = {name for name, seen in self._columns.items() if name not in declared and not seen.numbers}
        shown = ", ".join(f"{brief(name)} ({kind})" for name, kind in types.items())
        odd = (seen.oddity(name) for name, seen in self._columns.items() if name not in declared)
        notices = (f"the model's columns are from now on: {shown}", *filter(None, odd))
        return Schema(types, frozenset(words), closed=self._data.features is None, notices=notices)


class Fit:
    """Whether a file has the columns of its contract: it sees each row, and each that held no number in its place."""

    def __init__(self, contract: Contract, most: float) -> None:
        """`most` is the share of broken rows that a file may have."""
        self._most, self._rows = most, 0
        self._known = {"", *(column.name for column in contract.columns)} if contract.closed else None
        self._absent = {column.name for column in contract.features if not column.required}
        self._numbers = [column.name for column in contract.features if column.type == "number"]
        self._no_number = dict.fromkeys(self._numbers, 0)
        # By column the values so far, which were all numbers.
        self._only_numbers = dict.fromkeys(sorted(contract.words), 0)

    def see(self, row: Mapping[str, object]) -> None:
        """One row. Raises FileRejected for a column that the contract does not have."""
        self._rows += 1
        if self._known is not None and not row.keys() <= self._known:
            more = next(name for name in row if name not in self._known)
            less = f", and no {_named(self._absent - row.keys())}" if self._absent - row.keys() else ""
            raise FileRejected(
                "columns",
                f"a column {brief(more)!r}, which the epoch's first file did not have{less}: take it out, or raise "
                "data.epoch to begin with other columns",
            )
        if self._absent:
            self._absent -= row.keys()
        for name in list(self._only_numbers):
            text = _text(row.get(name))
            if text and not is_missing(text):
                if number(text) is None:
                    del self._only_numbers[name]
                else:
                    self._only_numbers[name] += 1

    def broken(self, row: Mapping[str, object]) -> None:
        """A row that was rejected since some column holds no number."""
        for name in self._numbers:
            text = _text(row.get(name))
            self._no_number[name] += bool(text) and not is_missing(text) and number(text) is None

    def end(self) -> None:
        """Raises FileRejected for a column that no row had, or that holds something else now."""
        if self._rows and self._absent:
            raise FileRejected("columns", f"no {_named(self._absent)} in any row: {_AS_BEFORE}")
        for name, count in self._no_number.items():
            if count > self._most * self._rows:
                held = f"column {name!r} holds numbers, and in {count} of {self._rows} rows here it holds none"
                raise FileRejected("columns", f"{held}: {_AS_BEFORE}")
        for name, count in self._only_numbers.items():
            if count >= _ENOUGH_VALUES:
                held = f"column {name!r} held words in the epoch's first file, and holds nothing but numbers here"
                raise FileRejected("columns", f"{held}: {_AS_BEFORE}")


def _named(names: Iterable[str]) -> str:
    found = sorted(names)
    return f"column{'s' * (len(found) > 1)} {', '.join(map(repr, found[:10]))}"


def _text(given: object) -> str:
    """A value as text; "" where there is none, and for what no column can hold a mark that is no number."""
    if isinstance(given, str):
        try:
            return normalize(given[:_MOST_LOOKED_AT])
        except TooManyMarks:
            return given
    if given is None or (isinstance(given, float) and math.isnan(given)):
        return ""
    return plain(given) or "…"
