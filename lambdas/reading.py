"""Dropped files as a stream of raw rows: CSV, JSON array or JSON lines, each optionally gzipped, in flat memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, cast

import ijson

from domain.records import RowRejected

SUFFIXES: Final = (".csv", ".json", ".jsonl", ".csv.gz", ".json.gz", ".jsonl.gz")
_MAX_LINE_CHARS: Final = 10_000_000
_MAX_DEPTH: Final = 100
_BOM: Final = b"\xef\xbb\xbf"


class FileRejected(ValueError):
    """A whole file cannot be read; the message says what is wrong and how to mend it."""


RawRow = tuple[int, dict[str, Any] | RowRejected]


def read_rows(key: str, body: IO[bytes], columns: list[str]) -> Iterator[RawRow]:
    """(place, row) for each row of the file `key`: place is the line in CSV and JSON lines, the element in an array.

    `columns` must all be in a CSV's header. A row that cannot be told apart into columns comes as RowRejected. Raises
    FileRejected for a file that cannot be read at all or any further.
    """
    name = key.lower()
    if not name.endswith(SUFFIXES):
        raise FileRejected(f"unknown kind of file: name it {', '.join(SUFFIXES[:3])}, each with or without .gz")
    # Both are raw byte streams: S3's body is read from the socket as it is asked for.
    raw = cast(io.RawIOBase, gzip.GzipFile(fileobj=body) if name.endswith(".gz") else body)
    reader = io.BufferedReader(raw)
    try:
        if reader.peek(len(_BOM)).startswith(_BOM):  # spreadsheets write one
            reader.read(len(_BOM))
        if name.removesuffix(".gz").endswith(".csv"):
            yield from _csv(_lines(reader), columns)
        elif name.removesuffix(".gz").endswith(".json") and _starts_array(reader):
            yield from _array(reader)
        else:
            yield from _json_lines(_lines(reader))
    except UnicodeDecodeError as error:
        raise FileRejected(f"not UTF-8 (byte {error.object[error.start]:#04x}): save the file as UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileRejected(f"not a whole gzip file ({error}): compress it again") from error


def _lines(stream: io.BufferedReader[Any]) -> Iterator[str]:
    """The lines with their ends, which the csv module wants to see. Without a bound one line could fill the memory."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    number = 0
    while line := text.readline(_MAX_LINE_CHARS):
        number += 1
        if len(line) == _MAX_LINE_CHARS:
            raise FileRejected(f"line {number} has over {_MAX_LINE_CHARS:,} characters: one row per line is expected")
        yield line


def _csv(lines: Iterator[str], columns: list[str]) -> Iterator[RawRow]:
    # The module's own limit of 131,072 would reject the whole file for one long cell; the contract rejects that row.
    csv.field_size_limit(_MAX_LINE_CHARS)
    reader = csv.reader(lines, strict=True)
    try:
        header = _header(next(reader, []), columns)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                found = RowRejected(
                    f"{len(cells)} cells where the first line names {len(header)} columns: quote commas"
                )
                yield reader.line_num, found
            else:
                yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise FileRejected(f"line {reader.line_num}: {error}: check the quotes around there") from error


def _header(cells: list[str], columns: list[str]) -> list[str]:
    header = [name.strip() for name in cells]
    if not header:
        raise FileRejected("the file is empty: its first line must name the columns")
    named = f"the first line, which names {[name[:40] for name in header[:20]]}"
    missing = [name for name in columns if name not in header]
    if missing:
        hint = ": separate columns with commas" if len(header) == 1 else ""
        raise FileRejected(f"no column {', '.join(map(repr, missing))} in {named}{hint}")
    twice = [name for name in columns if header.count(name) > 1]
    if twice:
        raise FileRejected(f"column {', '.join(map(repr, twice))} twice in {named}: keep one")
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
        what = error.msg.removesuffix(" at")
        return RowRejected(f"not JSON ({what} at character {error.pos + 1}): one object per line is expected")
    except RecursionError:
        return RowRejected("JSON nested too deeply: a row is one flat object")
    except ValueError as error:  # a number of thousands of digits
        return RowRejected(f"not JSON that can be read ({error})")
    return value if isinstance(value, dict) else RowRejected(f"a {type(value).__name__}, not an object with columns")


def _array(stream: IO[bytes]) -> Iterator[RawRow]:
    number = 0
    try:
        for number, value in enumerate(_elements(stream), 1):
            is_row = isinstance(value, dict)
            yield number, value if is_row else RowRejected(f"a {type(value).__name__}, not an object with columns")
    except ijson.JSONError as error:
        raise FileRejected(f"not a JSON array of objects: {error}") from error
    except UnicodeDecodeError as error:
        # The parser stops here also for half a surrogate pair that is escaped; there is no going on after it.
        raise FileRejected(f"a text after element {number} is not UTF-8: save the file as UTF-8") from error


def _elements(stream: IO[bytes]) -> Iterator[Any]:
    # Not ijson.items: its time grows with the square of the depth, so a small hostile file would keep it for hours.
    depth = 0
    for event, value in ijson.basic_parse(stream, use_float=True):
        if event.startswith("start_"):
            depth += 1
            if depth == 2:
                builder = ijson.ObjectBuilder()
            if depth > _MAX_DEPTH:
                raise FileRejected("JSON nested too deeply: a row is one flat object")
        if depth > 1:
            builder.event(event, value)
        elif not event.endswith("_array"):
            yield value
        if event.startswith("end_"):
            depth -= 1
            if depth == 1:
                yield builder.value


def _starts_array(stream: io.BufferedReader[Any]) -> bool:
    return stream.peek().lstrip()[:1] == b"["
