"""`mlops runs`: every run in one table, from the ledger and the receipts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from domain.measures import Measure, among
from domain.state import Run
from ops import receipts
from ops.console import clock, dollars, make_table, moment
from ops.deployment import Deployment
from ops.errors import in_plain_words
from ops.watch import VERDICTS

_ID_CHARACTERS = 8


def table(deployment: Deployment, last: int) -> Table:
    """The newest `last` runs, oldest first. Costs are estimates of the training job at list price.

    A column for each measure that one of their receipts tells.
    """
    with in_plain_words(deployment.project):
        champion = deployment.ledger.champion()
        found = [(run, receipts.read(deployment, run)) for run in deployment.ledger.runs()[-last:]]
        measures = measured([receipt for _, receipt in found if receipt])
        scores = [f"{measure.name}\nnew / live" for measure in measures]
        columns = ("run", "started\n(UTC)", "rows", *scores, "verdict", "time", "cost", "reason")
        shown = make_table(*columns, right=("rows", *scores, "time", "cost"))
        for run, receipt in found:
            live = bool(champion and champion.run == run.run)
            row = cells(run, receipt, _took(deployment, run, receipt), measures, live=live)
            shown.add_row(*row, style="bold" if live else "")
        return shown


def measured(told: Sequence[receipts.Receipt]) -> list[Measure]:
    """The measures that at least one of the receipts tells."""
    return among({measure.key for receipt in told for measure in receipts.measures(receipt)})


def cells(
    run: Run, receipt: receipts.Receipt | None, took: float | None, measures: Sequence[Measure], *, live: bool
) -> list[str]:
    """One run's row; "-" for what it has not (yet)."""
    verdict = VERDICTS.get(run.verdict, run.verdict) if run.verdict else _under_way(run)
    numbers = ["-", *("-" for _ in measures)]
    if receipt:
        numbers = [f"{receipts.rows(receipt):,}", *(receipts.versus(receipt, measure) for measure in measures)]
    cost = dollars(receipt["training"]["estimated_usd"]) if receipt else "-"
    time = "-" if took is None else clock(took)
    # The year is seldom asked for, and the page of a run has it.
    started = moment(run.started)[5:]
    return [run.run[:_ID_CHARACTERS], started, *numbers, "live" if live else verdict, time, cost, run.reason]


def _under_way(run: Run) -> str:
    """The state of a run that is not concluded."""
    return "postponed" if run.postponed else "judged" if run.judged else "under way"


def _took(deployment: Deployment, run: Run, receipt: receipts.Receipt | None) -> float | None:
    """Seconds of the execution; where Step Functions has forgotten it, until the verdict."""
    states = deployment.client("stepfunctions")
    try:
        described = states.describe_execution(executionArn=run.execution)
    except states.exceptions.ExecutionDoesNotExist:
        if receipt is None:
            return None
        return (datetime.fromisoformat(receipt["judged"]) - datetime.fromisoformat(receipt["started"])).total_seconds()
    end = described.get("stopDate")
    return (end - described["startDate"]).total_seconds() if end else None
