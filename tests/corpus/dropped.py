"""What a corpus is made of: files, each with what has to become of it, and the project that they are dropped into."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.data.schema import Schema

# What a row is shown as (`Corpus.shown`), and its label.
Good = tuple[str, str]


@dataclass(frozen=True)
class Dropped:
    """One file. `make` gives its bytes when they are needed.

    `good` are its good rows; without any, the whole file is refused by `rule` with a reason that has `words` in it.
    `rejected` counts its bad rows by rule. `frozen` is what an earlier file said of the columns, None if it is the
    first one. `data` are further settings of its project.
    """

    name: str
    make: Callable[[], bytes]
    rule: str = ""
    words: str = ""
    good: tuple[Good, ...] = ()
    rejected: dict[str, int] = field(default_factory=dict)
    frozen: Schema | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Corpus:
    """The files of one task. `data` are settings of its project; `shown` tells a row of a part from all others."""

    task: str
    data: Mapping[str, Any]
    shown: Callable[[Mapping[str, Any]], str]
    wholly_bad: tuple[Dropped, ...]
    partly_bad: tuple[Dropped, ...]


def whole(name: str, make: Callable[[], bytes], rule: str, words: str, frozen: Schema | None = None) -> Dropped:
    """A file of which nothing can be used."""
    return Dropped(name, make, rule, words, frozen=frozen)


def partly(
    name: str, make: Callable[[], bytes], good: Iterable[Good], frozen: Schema | None = None, **rejected: int
) -> Dropped:
    """A file of which only some rows, or none, are bad: `rejected` by rule, with `_` for `-`."""
    by_rule = {rule.replace("_", "-"): count for rule, count in rejected.items()}
    return Dropped(name, make, good=tuple(good), rejected=by_rule, frozen=frozen)


def packed(*pieces: tuple[bytes, int]) -> bytes:
    """Gzip of each piece repeated so many times, without ever holding it unpacked."""
    return b"".join(gzip.compress(piece, mtime=0) * times for piece, times in pieces)
