"""Dropped files as a stream of raw rows: CSV, JSON array or JSON lines, each optionally gzipped, in flat memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final

import ijson

from domain.records import FileRejected, RowRejected
from lambdas.decoding import utf8

SUFFIXES: Final = (".csv", ".json", ".jsonl", ".csv.gz", ".json.gz", ".jsonl.gz")
_MAX_ROW: Final = 10_000_000
_MAX_DEPTH: Final = 100
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")

RawRow = tuple[int, dict[str, Any] | RowRejected]


def read_rows(key: str, body: IO[bytes], columns: list[str]) -> Iterator[RawRow]:
    """(place, row) for each row of the file `key`: place is the line in CSV and JSON lines, the element in an array.

    `columns` must all be in a CSV's header. A row that cannot be told apart into columns comes as RowRejected
    (`ragged`, `not-json`, `not-an-object`, `too-deep`). Raises FileRejected for a file that cannot be read at all or
    any further: `kind`, `encoding`, `gzip`, `bomb`, `header`, `quotes`, `not-json`, `row-too-long`.
    """
    name = key.lower()
    if not name.endswith(SUFFIXES):
        kinds = f"name it {', '.join(SUFFIXES[:3])}, each with or without .gz"
        raise FileRejected("kind", f"unknown kind of file: {kinds}")
    try:
        reader = utf8(body, compressed=name.endswith(".gz"))
        if name.removesuffix(".gz").endswith(".csv"):
            yield from _csv(_lines(reader), columns)
        elif name.removesuffix(".gz").endswith(".json") and _starts_array(reader):
            yield from _array(reader)
        else:
            yield from _json_lines(_lines(reader))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileRejected("gzip", f"not a whole gzip file ({error}): compress it again") from error


def _lines(stream: io.BufferedReader[Any]) -> Iterator[str]:
    """The lines with their ends, which the csv module wants to see. Without a bound one line could fill the memory."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    number = 0
    try:
        while line := text.readline(_MAX_ROW):
            number += 1
            if len(line) == _MAX_ROW:
                raise _too_long(f"line {number}")
            yield line
    except UnicodeDecodeError as error:
        # Decoded in pieces, the next when no whole line is left: the piece begins in the line after the last.
        line_number = number + 1 + len(_LINE_END.findall(error.object[: error.start]))
        found = f"byte {error.object[error.start]:#04x} in line {line_number}"
        raise FileRejected("encoding", f"not UTF-8 ({found}): save the file as UTF-8") from error


def _too_long(where: str) -> FileRejected:
    return FileRejected("row-too-long", f"{where} has over {_MAX_ROW:,} characters: one row each is expected")


def _csv(lines: Iterator[str], columns: list[str]) -> Iterator[RawRow]:
    # The module's own limit of 131,072 would reject the whole file for one long cell; the contract rejects that row.
    csv.field_size_limit(_MAX_ROW)
    first, size = 1, 0  # of the row that is being read

    def measured() -> Iterator[str]:
        nonlocal size
        for line in lines:
            size += len(line)
            if size > _MAX_ROW:
                raise _too_long(f"the row that begins in line {first}")
            yield line

    reader = csv.reader(measured(), strict=True)
    try:
        header = _header(next(reader, []), columns)
        first, size = reader.line_num + 1, 0
        for cells in reader:
            if cells and len(cells) != len(header):
                ragged = f"{len(cells)} cells where the first line names {len(header)} columns: quote commas"
                yield reader.line_num, RowRejected("ragged", ragged, cells)
            elif cells:
                yield reader.line_num, dict(zip(header, cells, strict=True))
            first, size = reader.line_num + 1, 0
    except csv.Error as error:
        raise FileRejected("quotes", f"the row that begins in line {first}: {error}: check the quotes there") from error


def _header(cells: list[str], columns: list[str]) -> list[str]:
    header = [name.strip() for name in cells]
    if not header:
        raise FileRejected("header", "the file is empty: its first line must name the columns")
    named = f"the first line, which names {[name[:40] for name in header[:20]]}"
    missing = [name for name in columns if name not in header]
    if missing:
        hint = ": separate columns with commas" if len(header) == 1 else ""
        raise FileRejected("header", f"no column {', '.join(map(repr, missing))} in {named}{hint}")
    twice = [name for name in columns if header.count(name) > 1]
    if twice:
        raise FileRejected("header", f"column {', '.join(map(repr, twice))} twice in {named}: keep one")
    return header


def _json_lines(lines: Iterator[str]) -> Iterator[RawRow]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _object(line)


def _object(line: str) -> dict[str, Any] | RowRejected:
    try:
        # The line's end is no part of the row: a text cut short would be blamed on it.
        value = json.loads(line.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        what = f"{error.msg.removesuffix(' at')} at character {error.pos + 1}"
        return RowRejected("not-json", f"not JSON ({what}): one object per line is expected", line)
    except RecursionError:
        return _too_deep(line)
    except ValueError as error:  # a number of thousands of digits
        return RowRejected("not-json", f"not JSON that can be read ({error})", line)
    return value if isinstance(value, dict) else _no_object(value)


def _too_deep(value: object = None) -> RowRejected:
    return RowRejected("too-deep", "JSON nested too deeply: a row is one flat object", value)


def _no_object(value: object) -> RowRejected:
    return RowRejected("not-an-object", f"a {type(value).__name__}, not an object with columns", value)


def _array(stream: io.BufferedReader[Any]) -> Iterator[RawRow]:
    number = 0
    try:
        for number, value in enumerate(_elements(stream), 1):
            yield number, value if isinstance(value, dict | RowRejected) else _no_object(value)
    except ijson.JSONError as error:
        if "UTF8" in str(error):
            raise _not_utf8(number) from error
        raise FileRejected("not-json", f"not a JSON array of objects after element {number}: {error}") from error
    except UnicodeDecodeError as error:
        # The parser stops here also for half a surrogate pair that is escaped; there is no going on after it.
        raise _not_utf8(number) from error


def _not_utf8(number: int) -> FileRejected:
    return FileRejected("encoding", f"a text after element {number} is not UTF-8: save the file as UTF-8")


def _elements(stream: io.BufferedReader[Any]) -> Iterator[Any]:
    # Not ijson.items: its time grows with the square of the depth, so a small hostile file would keep it for hours.
    depth, deepest = 0, 0
    source = _Measured(stream)
    for event, value in ijson.basic_parse(source, use_float=True):
        if event.startswith("start_"):
            depth += 1
            deepest = max(depth, deepest)
            if depth == 2:
                builder, deepest = ijson.ObjectBuilder(), depth
        if depth > 1 and deepest <= _MAX_DEPTH:
            builder.event(event, value)
        elif depth == 1 and not event.endswith("_array"):
            source.start_element()
            yield value
        if event.startswith("end_"):
            depth -= 1
            if depth == 1:
                source.start_element()
                yield builder.value if deepest <= _MAX_DEPTH else _too_deep()


class _Measured:
    """What the parser reads, as long as no element of the array takes too much of it: it keeps a text in memory."""

    def __init__(self, stream: io.BufferedReader[Any]) -> None:
        self._stream = stream
        self._element, self._size = 1, 0

    def start_element(self) -> None:
        """The element before has ended."""
        self._element, self._size = self._element + 1, 0

    def read(self, size: int) -> bytes:
        """The next bytes. Raises FileRejected."""
        piece = self._stream.read(size)
        self._size += len(piece)
        if self._size > _MAX_ROW:
            raise _too_long(f"element {self._element}")
        return piece


def _starts_array(stream: io.BufferedReader[Any]) -> bool:
    return stream.peek().lstrip()[:1] == b"["
