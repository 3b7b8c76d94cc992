"""The lines of a file, counted row by row, with a look at those that come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator


class RunsOn(Exception):
    """A row over several lines has more characters than a row may have."""


class Lines:
    """Lines with their ends, `number` of them read so far; one has at most `most` characters.

    Whoever has a whole row sets `fresh`: the next line is a row's first then. Of the row that is being read, `first` is
    its first line and `quotes` how many quotes it has so far. `ended`: more was asked for than there is.
    """

    def __init__(self, lines: Iterator[str], most: int) -> None:
        self._lines, self._most = lines, most
        self._ahead: deque[str] = deque()
        self.number, self.first, self.quotes = 0, 1, 0
        self.fresh, self.ended = True, False

    def read(self, tight: Callable[[str, bool], str]) -> Iterator[str]:
        """The lines as `tight` makes them, where they have a quote; it is told whether the line is not a row's first.

        Raises RunsOn.
        """
        ahead, lines, most, size = self._ahead, self._lines, self._most, 0
        while line := ahead.popleft() if ahead else next(lines, ""):
            self.number += 1
            if self.fresh:
                self.fresh, self.first, self.quotes, size = False, self.number, 0, len(line)
            else:
                size += len(line)
                if size > most:
                    raise RunsOn(f"it has over {most:,} characters")
            if '"' in line:
                self.quotes += line.count('"')
                line = tight(line, self.number > self.first)
            yield line
        self.ended = True

    def ahead(self) -> Iterator[str]:
        """The lines that come, which are not read by that; no more of them than a row may have."""
        size = 0
        for line in list(self._ahead):
            size += len(line)
            yield line
        for line in self._lines:
            self._ahead.append(line)
            size += len(line)
            if size > self._most:
                return
            yield line

    def peek(self) -> str:
        """The line that comes, or ""."""
        return next(self.ahead(), "")

    def pass_over(self, count: int = 1) -> None:
        """Read so many of the lines that were looked at."""
        for _ in range(count):
            self._ahead.popleft()
            self.number += 1

    def drain(self) -> int:
        """Read what is left, and say how many lines there were in all."""
        self.number += len(self._ahead) + sum(1 for _ in self._lines)
        self._ahead.clear()
        return self.number
