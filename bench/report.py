"""What a part of the bench hands back, and how it is shown and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console

from bench.machine import Machine
from ops.console import make_table, styled

RESULTS: Final = Path(__file__).parent / "results"

Cell = str | int | float | None
Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Table:
    """Figures under named columns, units in the columns' names; `notes` say how they were measured."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Target:
    """A bound that was set beforehand: "at least 30×", "at most 170 MB". `note` says why, where it is missed."""

    what: str
    bound: str
    measured: float
    met: bool
    note: str = ""

    @classmethod
    def at_least(cls, what: str, bound: float, measured: float, unit: str = "", note: str = "") -> Target:
        """A target that is met from `bound` on."""
        return cls(what, f"at least {bound:g}{unit}", measured, measured >= bound, note)

    @classmethod
    def at_most(cls, what: str, bound: float, measured: float, unit: str = "", note: str = "") -> Target:
        """A target that is met up to `bound`."""
        return cls(what, f"at most {bound:g}{unit}", measured, measured <= bound, note)


@dataclass(frozen=True)
class Result:
    """All that a part measured. `figures` are single numbers by name, for the chart and for comparing runs."""

    title: str
    tables: Sequence[Table]
    targets: Sequence[Target] = ()
    figures: dict[str, float] | None = None


def named(table: Table, what: str, column: int) -> dict[str, float]:
    """A column of a table as figures: `what` of each row, by the row's name."""
    cells: list[tuple[Cell, Cell]] = [(row[0], row[column]) for row in table.rows]
    return {f"{what}: {name}": float(value or 0) for name, value in cells}


def quietly(log: Path, work: Callable[[], Measured]) -> Measured:
    """What `work` returns. What it prints is written to `log` instead: a training prints its metrics."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as out, redirect_stdout(out):
        return work()


def show(result: Result, console: Console) -> None:
    """Print a result's tables and targets."""
    console.print()
    console.print(styled((result.title, "bold")))
    for table in result.tables:
        grid = make_table(*table.columns, right=table.columns[1:], title=table.title)
        for row in table.rows:
            grid.add_row(*(_cell(cell) for cell in row))
        console.print(grid)
        for note in table.notes:
            console.print(f"  {note}", style="dim")
    for target in result.targets:
        verdict = ("met   ", "green") if target.met else ("missed", "red")
        console.print(styled(verdict, f" {target.what}: {_cell(target.measured)} ({target.bound})"))
        if target.note and not target.met:
            console.print(f"       {target.note}", style="dim")


def keep(name: str, result: Result, machine: Machine, full: bool) -> Path:
    """Write a result as `results/NAME.json`, with the machine it was measured on; returns the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content: dict[str, Any] = {"machine": asdict(machine), "full": full, **asdict(result)}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _cell(value: Cell) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else value
