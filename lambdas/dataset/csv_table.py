"""CSV as people have it: the rows of a table, whatever its delimiter, with what spreadsheets and people add to it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Any, Final

from domain.data.records import FileRejected, RowRejected, RowSetAside
from domain.data.spelling import TooManyMarks, normalize
from lambdas.dataset.csv_quotes import Quotes
from lambdas.dataset.lines import Lines, RunsOn

MAX_ROW: Final = 10_000_000
_DELIMITERS: Final = (",", ";", "\t")
# Excel takes the delimiter from such a line, and writes one where it is told to.
_SEP: Final = re.compile(r'"?sep=([^"\w\s]|\t)"?[\r\n]*', re.IGNORECASE)
_EMPTY: Final = ' \t\r\n,;"\ufeff'
_AROUND_NAME: Final = " \t\ufeff"
_WITHOUT_HEADER: Final = ": name the columns in its first line; has it no header?"
_ONE_COLUMN: Final = ": separate columns with commas, semicolons or tabs, and name them in its first line"
_SOME_COLUMNS: Final = ": add what is missing, or rename a column there"


class Notice(str):
    """What a person should know of a file that is used."""


Item = dict[str, Any] | RowRejected | RowSetAside | Notice


def rows_of(lines: Iterator[str], columns: list[str]) -> Iterator[tuple[int, Item]]:
    """(line, row) for each row of a CSV, and a Notice if a column was taken for one of `columns` by its likeness.

    Lines of nothing but blanks or empty cells are passed over. Raises FileRejected: `header`, `quotes`.
    """
    return _Table(Lines(lines, MAX_ROW), columns).rows()


class _Table:
    """One CSV, read once."""

    def __init__(self, lines: Lines, columns: list[str]) -> None:
        # The module's own limit of 131,072 would reject the whole file for a long cell; the contract rejects that row.
        csv.field_size_limit(MAX_ROW + 1)
        self._lines, self._columns = lines, columns

    def rows(self) -> Iterator[tuple[int, Item]]:
        """Each row with the line that it ends in."""
        delimiter, cells = self._start()
        header, notices = _matched(cells, self._columns)
        for notice in notices:
            yield self._lines.number, Notice(notice)
        names, width = sorted(map(_folded, cells)), len(cells)
        longest, name = max(map(len, cells)) + 2, set(names)
        lines = self._lines
        reader = csv.reader(lines.read(Quotes(delimiter, lines.ahead).tight), delimiter=delimiter, strict=True)
        while True:
            try:
                lines.fresh = True
                for cells in reader:
                    lines.fresh = True
                    # Most rows, in one look: what begins with a letter is not empty, and longer than a name no header.
                    if len(cells) == width and len(cells[0]) > longest and cells[0] > "!":
                        yield lines.number, dict(zip(header, cells, strict=True))
                    elif not (cells and cells[0].strip()) and not any(map(str.strip, cells)):
                        pass
                    elif cells[0].strip(_AROUND_NAME).casefold() in name and sorted(map(_folded, cells)) == names:
                        header, _ = _matched(cells, self._columns)
                        again = "the header again, as where files were put together: no row of data"
                        yield lines.number, RowSetAside("header-again", again, cells)
                    elif len(cells) == width:
                        yield lines.number, dict(zip(header, cells, strict=True))
                    elif len(cells) > width and not any(map(str.strip, cells[width:])):
                        yield lines.number, dict(zip(header, cells, strict=False))
                    else:
                        ragged = f"{len(cells)} cells where the first line names {width} columns"
                        fix = "quote commas" if len(cells) > width else "give the row all of them"
                        yield lines.number, RowRejected("ragged", f"{ragged}: {fix}", cells)
                return
            except (csv.Error, RunsOn) as error:
                yield lines.first, self._broken(error)

    def _broken(self, error: Exception) -> RowRejected:
        """The row whose quotes are broken, with all lines after it, unless its quotes are even in number.

        Where one is missing, nobody knows which of the lines that follow are within a text.
        """
        first = self._lines.first
        check = f"the row that begins in line {first}: {error}: check the quotes there"
        if isinstance(error, csv.Error) and self._lines.quotes % 2 == 0 and not self._lines.ended:
            return RowRejected("quotes", check)
        last = self._lines.drain()
        rest = f"{check}. Lines {first} to {last} are not used, since one of them is missing"
        return RowRejected("quotes", rest, rows=last - first + 1)

    def _start(self) -> tuple[str, list[str]]:
        """The delimiter, and the cells of the header, which has been read then."""
        self._pass_over_empty()
        known = _SEP.fullmatch(self._lines.peek())
        if known:
            self._lines.pass_over()
            self._pass_over_empty()
        best: tuple[int, str, list[str], int] | None = None
        broken: csv.Error | None = None
        for delimiter in known[1] if known else _DELIMITERS:
            reader = csv.reader(self._lines.ahead(), delimiter=delimiter, strict=True, skipinitialspace=True)
            try:
                cells = next(reader, [])
            except csv.Error as error:
                broken = broken or error
                continue
            found = len({*map(_folded, cells)} & {*map(_folded, self._columns)})
            if best is None or found > best[0]:
                best = found, delimiter, cells, reader.line_num
        first = self._lines.number + 1
        if best is None:
            raise FileRejected("quotes", f"the row that begins in line {first}: {broken}: check the quotes there")
        self._lines.pass_over(best[3])
        return best[1], best[2]

    def _pass_over_empty(self) -> None:
        while (line := self._lines.peek()) and not line.strip(_EMPTY):
            self._lines.pass_over()


def _name(cell: str) -> str:
    try:
        return normalize(cell)
    except TooManyMarks:
        return cell.strip()


def _folded(cell: str) -> str:
    return _name(cell).casefold()


def _matched(cells: list[str], columns: list[str]) -> tuple[list[str], list[str]]:
    """The header's names, where each of `columns` stands under its own, and what was taken for which.

    A column is found whatever the white space in its name, and in other case where only one is like it.
    """
    if not cells:
        raise FileRejected("header", "the file is empty: name the columns in its first line")
    header, notices = [_name(cell) for cell in cells], []
    # Their number and not their names: of a file without a header these are a row's texts, and reasons are mailed.
    named = f"the first line, which names {len(header)} column{'s' * (len(header) != 1)}"
    places = {column: [place for place, name in enumerate(header) if name == _name(column)] for column in columns}
    twice = [column for column, found in places.items() if len(found) > 1]
    if twice:
        raise FileRejected("header", f"column {', '.join(map(repr, twice))} twice in {named}: keep one", cells)
    taken = {place for found in places.values() for place in found}
    for column in [column for column, found in places.items() if not found]:
        like = [place for place, name in enumerate(header) if name.casefold() == _folded(column) and place not in taken]
        if len(like) > 1:
            several = ", ".join(repr(header[place]) for place in like)
            raise FileRejected(
                "header", f"no column {column!r} in {named}: which of {several} is meant? Rename that one", cells
            )
        if like:
            notices.append(f"its column {header[like[0]]!r} was taken for {column!r}")
            places[column] = like
    missing = [column for column, found in places.items() if not found]
    if missing:
        hint = _ONE_COLUMN if len(header) == 1 else _WITHOUT_HEADER if len(missing) == len(columns) else _SOME_COLUMNS
        raise FileRejected("header", f"no column {', '.join(map(repr, missing))} in {named}{hint}", cells)
    for column, (place,) in places.items():
        header[place] = column
    return header, notices
