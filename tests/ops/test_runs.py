"""The table of runs: a row says what the ledger and the receipt say, and "-" where there is nothing to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.state import Run
from ops.runs import cells


def test_a_judged_run(run: Run, receipt: dict[str, Any]) -> None:
    row = ["01234567", "11-22 11:01", "1,100", "0.800 / 0.700", "0.800 / 0.700", "promoted", "3:05", "$0.0061"]
    assert cells(run, receipt, 185.0, live=False) == [*row, "landing changed"]


def test_the_champion_is_marked(run: Run, receipt: dict[str, Any]) -> None:
    assert cells(run, receipt, 4000.0, live=True)[5:7] == ["live", "1:06:40"]


def test_a_run_under_way(run: Run) -> None:
    row = cells(replace(run, judged=None, verdict=None), None, None, live=False)
    assert row[2:8] == ["-", "-", "-", "under way", "-", "-"]
