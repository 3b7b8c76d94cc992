"""The table of runs: a row says what the ledger and the receipt say, and "-" where there is nothing to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.measures import OF_KIND
from domain.state import Run
from ops.runs import cells, measured
from tests.ops.conftest import make_number_receipt

LABELS, NUMBERS = OF_KIND["classification"], OF_KIND["regression"]


def test_a_judged_run(run: Run, receipt: dict[str, Any]) -> None:
    row = ["01234567", "11-22 11:01", "1,100", "0.800 / 0.700", "0.800 / 0.700", "promoted", "3:05", "$0.0061"]
    assert cells(run, receipt, 185.0, LABELS, live=False) == [*row, "landing changed"]


def test_the_champion_is_marked(run: Run, receipt: dict[str, Any]) -> None:
    assert cells(run, receipt, 4000.0, LABELS, live=True)[5:7] == ["live", "1:06:40"]


def test_a_run_under_way(run: Run) -> None:
    row = cells(replace(run, judged=None, verdict=None), None, None, LABELS, live=False)
    assert row[2:8] == ["-", "-", "-", "under way", "-", "-"]


def test_a_run_of_numbers(run: Run) -> None:
    row = cells(run, make_number_receipt(), 185.0, NUMBERS, live=False)
    assert row[2:6] == ["1,100", "12346 / 24691", "12346 / 24691", "1.000 / 1.000"]
    small = cells(run, make_number_receipt(0.00123456, champion=False), 185.0, NUMBERS, live=False)
    assert small[3:6] == ["0.001235 / -", "0.001235 / -", "1.000 / -"]


def test_a_column_for_each_measure_that_a_receipt_tells(run: Run, receipt: dict[str, Any]) -> None:
    """As after a new epoch with another task: each run has its own, and none of the other's."""
    numbers = make_number_receipt()
    assert measured([receipt]) == list(LABELS)
    assert measured([receipt, numbers]) == [*LABELS, *NUMBERS]
    assert measured([]) == []
    assert cells(run, numbers, None, measured([receipt, numbers]), live=False)[3:6] == ["-", "-", "12346 / 24691"]
