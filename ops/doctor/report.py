"""How the findings look: on a terminal, and as JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from ops.doctor.finding import Finding, Level

# Below this, what wraps is harder to read than what the terminal breaks.
_NARROW = 20
_MARKS = {Level.FINE: ("✔", "green"), Level.WARNING: ("!", "yellow"), Level.WRONG: ("✘", "red")}


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print the findings by area, each with what mends it, and a sum."""
    width = max((len(finding.name) for finding in findings), default=0)
    for area, some in groupby(findings, key=lambda finding: finding.area):
        console.print(Text(area[0].upper() + area[1:], style="bold"))
        for finding in some:
            mark, style = _MARKS[finding.level]
            body = "" if finding.level is Level.FINE else style
            _print(console, Text.assemble((f"  {mark} ", style), f"{finding.name:{width}}  "), finding.sentence, body)
            if finding.fix:
                bold = "bold" if finding.level is Level.WRONG else "dim"
                _print(console, Text.assemble(" " * (width + 4), ("→ ", "dim")), finding.fix, bold)
    console.print()
    console.print(Text(summary(findings), style=_MARKS[worst(findings)][1]))


def as_json(findings: Sequence[Finding]) -> str:
    """{"level", "findings": [{"area", "name", "level", "sentence", "fix"}]}."""
    content = {"level": str(worst(findings)), "findings": [finding.to_json() for finding in findings]}
    return json.dumps(content, indent=2, ensure_ascii=False)


def worst(findings: Sequence[Finding]) -> Level:
    """The worst level of all."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.FINE)


def summary(findings: Sequence[Finding]) -> str:
    """How many are fine, how many are not."""
    counts = Counter(finding.level for finding in findings)
    bad = [
        f"{counts[level]} {word}{'s' if counts[level] > 1 and level is Level.WARNING else ''}"
        for level, word in ((Level.WRONG, "wrong"), (Level.WARNING, "warning"))
        if counts[level]
    ]
    return ", ".join([f"{counts[Level.FINE]} fine", *bad]) + "."


def _print(console: Console, head: Text, text: str, style: str) -> None:
    """`text` after `head`, its further lines below its first; not broken where nobody watches."""
    room = console.width - head.cell_len
    lines = textwrap.wrap(text, room, break_on_hyphens=False) if console.is_terminal and room > _NARROW else [text]
    for line in lines:
        console.print(Text.assemble(head, (line, style)), soft_wrap=True)
        head = Text(" " * head.cell_len)
