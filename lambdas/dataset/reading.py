"""Dropped files as a stream of raw rows: CSV, JSON array or JSON lines, each optionally gzipped, in flat memory."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any, Final

from domain.data.records import FileRejected, RowRejected
from lambdas.dataset.csv_table import MAX_ROW, Item, rows_of
from lambdas.dataset.decoding import IN_EXCEL, utf8
from lambdas.dataset.json_arrays import elements

SUFFIXES: Final = (".csv", ".json", ".jsonl", ".csv.gz", ".json.gz", ".jsonl.gz")
# Python's own limit, below which it takes every integer.
_INT_DIGITS: Final = 4_000
# JSON's white space, and the byte order mark of a file that another was appended to.
_AROUND_JSON: Final = " \t\r\n\ufeff"
# What each key of an object ends with, and little else: within a text, mostly a letter or a digit is before a colon.
_KEY_ENDS: Final = re.compile(r'"[ \t\r\n]*+:')
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")

RawRow = tuple[int, Item]


def read_rows(key: str, body: IO[bytes], columns: list[str]) -> Iterator[RawRow]:
    """(place, row) for each row of the file `key`: place is the line in CSV and JSON lines, the element in an array.

    `columns` must all be in a CSV's header. A row that cannot be told apart into columns comes as RowRejected
    (`ragged`, `quotes`, `not-json`, `not-an-object`, `too-deep`, `key-twice`), a header that comes again as
    RowSetAside. Raises FileRejected for a file that cannot be read at all or any further: `kind`, `encoding`, `gzip`,
    `bomb`, `header`, `quotes`, `not-json`, `row-too-long`.
    """
    name = key.lower()
    if not name.endswith(SUFFIXES):
        kinds = f"name it {', '.join(SUFFIXES[:3])}, each with or without .gz"
        raise FileRejected("kind", f"unknown kind of file: {kinds}")
    try:
        reader = utf8(body, compressed=name.endswith(".gz"))
        if name.removesuffix(".gz").endswith(".csv"):
            yield from rows_of(_lines(reader, f", {IN_EXCEL}"), columns)
        elif name.removesuffix(".gz").endswith(".json") and _starts_array(reader):
            yield from _array(reader, columns)
        else:
            yield from _json_lines(_lines(reader), columns)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        # Not with its words: they quote how the file begins.
        raise FileRejected("gzip", "not a whole gzip file: compress it again") from error


def _lines(stream: io.BufferedReader[Any], hint: str = "") -> Iterator[str]:
    """The lines with their ends, which the csv module wants to see. Without a bound one line could fill the memory.

    `hint` says how to save a file as UTF-8.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    number = 0
    try:
        while line := text.readline(MAX_ROW):
            number += 1
            if len(line) == MAX_ROW:
                raise _too_long(f"line {number}")
            yield line
    except UnicodeDecodeError as error:
        # Decoded in pieces, the next when no whole line is left: the piece begins in the line after the last.
        line_number = number + 1 + len(_LINE_END.findall(error.object[: error.start]))
        found = f"byte {error.object[error.start]:#04x} in line {line_number}"
        raise FileRejected("encoding", f"not UTF-8 ({found}): save the file as UTF-8{hint}") from error


def _too_long(where: str) -> FileRejected:
    return FileRejected("row-too-long", f"{where} has over {MAX_ROW:,} characters: write one row there")


def _json_lines(lines: Iterator[str], columns: list[str]) -> Iterator[RawRow]:
    for number, line in enumerate(lines, 1):
        if text := line.strip(_AROUND_JSON):
            yield number, _object(text, columns)


def _object(text: str, columns: list[str]) -> dict[str, Any] | RowRejected:
    try:
        value, end = _parsed(text)
        # Most rows, in one look: where there are no more colons than keys that were found, no key is written twice.
        if isinstance(value, dict) and text.count(":") == len(value) and end == len(text):
            return value
        many = isinstance(value, dict) and len(_KEY_ENDS.findall(text)) > len(value)
        twice = _twice(text, columns) if many else None
    except json.JSONDecodeError as error:
        return _not_json(error.msg.removesuffix(" at"), error.pos, text)
    except RecursionError:
        return RowRejected("too-deep", "JSON nested too deeply: write each row as one flat object", text)
    if end != len(text):
        return _not_json("more after its end", end, text)
    if not isinstance(value, dict):
        return RowRejected("not-an-object", 'not an object with columns: write each row as {"column": value, …}', value)
    if twice:
        return RowRejected("key-twice", f"key {twice!r} twice: keep one", text)
    return value


def _not_json(what: str, place: int, text: str) -> RowRejected:
    return RowRejected("not-json", f"not JSON ({what} at character {place + 1}): write each row as one object", text)


def _parsed(text: str) -> tuple[Any, int]:
    """The value that `text` begins with, and where it ends."""
    try:
        return _JSON.raw_decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of more digits than Python makes one of
        return _LONG_JSON.raw_decode(text)


def _integer(digits: str) -> int | str:
    """An integer; of one that is too long its digits, which are its spelling."""
    return int(digits) if len(digits) <= _INT_DIGITS else digits


def _twice(text: str, columns: list[str]) -> str | None:
    """The first of the columns that the object `text` has a key for twice; as in CSV, any other key may come twice."""
    pairs, _ = _PAIRS.raw_decode(text)
    names = Counter(name for name, _ in pairs)
    return next((column for column in columns if names[column] > 1), None)


_JSON: Final = json.JSONDecoder()
_LONG_JSON: Final = json.JSONDecoder(parse_int=_integer)
# Each object as the pairs that it is written as.
_PAIRS: Final = json.JSONDecoder(object_pairs_hook=list, parse_int=_integer)


def _array(stream: io.BufferedReader[Any], columns: list[str]) -> Iterator[RawRow]:
    for number, element in enumerate(elements(stream, MAX_ROW), 1):
        try:
            text = element.decode()
        except UnicodeDecodeError as error:
            found = f"byte {element[error.start]:#04x} in element {number}"
            raise FileRejected("encoding", f"not UTF-8 ({found}): save the file as UTF-8") from error
        yield number, _object(text.strip(_AROUND_JSON), columns)


def _starts_array(stream: io.BufferedReader[Any]) -> bool:
    return stream.peek().lstrip()[:1] == b"["
