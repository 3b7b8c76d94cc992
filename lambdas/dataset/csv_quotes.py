"""Quotes with blanks around them, which many programs and people write and the csv module does not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

_BODY: Final = '[^"]*(?:""[^"]*)*'
_UP_TO_ITS_QUOTE: Final = re.compile(_BODY)


class Quotes:
    """What takes the blanks away between a delimiter and a quoted cell.

    A quote after a blank opens a cell only if another one, behind which the cell ends, closes it: in `a, "b" c` it is
    a part of the text. `ahead` gives the lines that come, among which that one may be.
    """

    def __init__(self, delimiter: str, ahead: Callable[[], Iterator[str]]) -> None:
        self._delimiter, self._ahead = delimiter, ahead
        self._blanks = " " if delimiter in " \t" else " \t"
        some, mark = f"[{self._blanks}]+", re.escape(delimiter)
        blanks, end = f"[{self._blanks}]*", f"(?=[\\r\\n]*$|{mark})"
        # Each begins with one character, which is found many times as fast as one of several.
        self._before = re.compile(f'{mark}{some}"')
        self._behind = re.compile(f'"{some}{end}')
        self._open = re.compile(f'({blanks})"')
        self._quoted = re.compile(f'{blanks}("{_BODY}"){blanks}{end}')
        self._closing = re.compile(f'({_BODY}"){blanks}{end}')
        self._after = re.compile(f"{blanks}{end}")
        self._bare = re.compile(f"[^{mark}\\r\\n]*")

    def tight(self, line: str, within: bool) -> str:
        """A line with a quote as the csv module reads it. `within`: a cell of a line before may go on in it."""
        # Most lines, in one look: no blank stands beside a quote.
        if not (' "' in line or '" ' in line or "\t" in line):
            return line
        if line[0] in self._blanks or self._before.search(line) or self._behind.search(line):
            return self._tightened(line, within)
        return line

    def _tightened(self, line: str, within: bool) -> str:
        pieces, at = [], 0
        if within:
            closing = self._closing.match(line)
            if not closing:
                return line
            pieces, at = [closing[1], line[closing.end() : closing.end() + 1]], closing.end() + 1
        while at < len(line):
            cell = self._quoted.match(line, at)
            opened = self._open.match(line, at)
            if not cell and opened and (not opened[1] or self._closes(line[opened.end() :])):
                # Over several lines, or broken.
                return "".join([*pieces, line[opened.end(1) :]])
            end = cell.end() if cell else self._bare.match(line, at).end()  # type: ignore[union-attr]
            pieces += [cell[1] if cell else line[at:end], line[end : end + 1]]
            at = end + 1
        return "".join(pieces)

    def _closes(self, rest: str) -> bool:
        """Whether the quote that opens before `rest` is closed where a cell ends."""
        for line in chain([rest], self._ahead()):
            end = _UP_TO_ITS_QUOTE.match(line).end()  # type: ignore[union-attr]
            if end < len(line):
                return self._after.match(line, end + 1) is not None
        return False
