"""How things look: colour, tables and live displays on a terminal, plain lines everywhere else.

Whatever is printed, in a line or a cell of a table, is text and one line: Rich's markup is off, and what a terminal
would obey is escaped. Colour comes from `styled` alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from domain.printable import printable

# Wide enough that a log line or a table in a CI transcript is never broken.
_PLAIN_WIDTH = 160


class PlainConsole(Console):
    """A console to which a string is text, whatever is in it."""

    def render_str(self, text: str, **given: Any) -> Text:
        """Rich asks this for every string that it is to show."""
        return super().render_str(printable(text), **{**given, "markup": False, "emoji": False, "highlight": False})


def make_console(*, stderr: bool = False) -> Console:
    """A console on standard output (or error) that breaks no lines where nobody is watching."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PLAIN_WIDTH
    return PlainConsole(stderr=stderr, highlight=False, width=width, soft_wrap=not stream.isatty(), emoji=False)


def styled(*parts: str | tuple[str, str] | Text) -> Text:
    """A line of `parts`, each as it is or with a style: (text, style)."""
    shown: list[str | tuple[str, str] | Text] = []
    for part in parts:
        if isinstance(part, Text):
            shown.append(part)
        else:
            text, style = (part, "") if isinstance(part, str) else part
            shown.append((printable(text), style))
    return Text.assemble(*shown)


def make_table(*columns: str, right: Sequence[str] = (), title: str = "") -> Table:
    """An empty table; the columns named in `right` hold numbers. Only the last column is broken where it is narrow."""
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, padding=(0, 1))
    for name in columns:
        justify: JustifyMethod = "right" if name in right else "left"
        # A text: our own names of columns may have two lines. In the last one a long word is broken, not cut off.
        if name == columns[-1]:
            table.add_column(Text(name), justify=justify, overflow="fold")
        else:
            table.add_column(Text(name), justify=justify, no_wrap=True)
    return table


def seconds(value: float) -> str:
    """A duration as a person says it: `0.4 s`, `72 s`, `12 min 5 s`."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def size(count: int) -> str:
    """A number of bytes, in the unit that fits."""
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def dollars(value: float | None) -> str:
    """An estimated price; "-" where there is none."""
    if value is None:
        return "-"
    return f"${value:.4f}" if value < 1 else f"${value:.2f}"


def moment(iso: str) -> str:
    """An ISO 8601 time in UTC, to the minute: `2026-11-22 10:05`."""
    return iso[:16].replace("T", " ")


def clock(value: float) -> str:
    """A duration in a column: `3:05`, `1:12:00`."""
    hours, rest = divmod(round(value), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
