"""`mlops watch`: follow an execution to its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import Console

from domain.state import RunVerdict
from ops.console import styled
from ops.deployment import Deployment
from ops.errors import NotFound, Unusable, in_plain_words
from ops.execution import Outcome, await_running, executions
from ops.find import find_run
from ops.follow import follow

# How a table and a page call what a run ended with.
VERDICTS: Final[Mapping[RunVerdict, str]] = {
    "promote": "promoted",
    "restored": "restored",
    "keep": "kept out",
    "reject": "rejected",
    "awaiting-approval": "awaits approval",
    "screened": "screened out",
    "too-few-rows": "too few rows",
    "gave-up": "gave up",
    "no-data": "no data",
}


def watch(deployment: Deployment, what: str | None, console: Console, *, wait: float) -> Outcome:
    """Follow the execution of a run, a named execution, or (None) the one that works now. Raises NotFound."""
    with in_plain_words(deployment.project):
        execution = choose(deployment, what, wait)
        console.print(f"Following {execution.rsplit(':', 1)[1]}")
        outcome = follow(deployment, execution, console)
    tell(outcome, console)
    return outcome


def choose(deployment: Deployment, what: str | None, wait: float) -> str:
    """ARN of the execution meant by `what`. Raises NotFound if nothing ever ran."""
    if what:
        try:
            return find_run(deployment, what).execution
        except (NotFound, Unusable):
            return deployment.execution_arn(what)
    found = await_running(deployment, wait)
    if found:
        return found
    past = deployment.ledger.runs()
    if past:
        return past[-1].execution
    listed = executions(deployment)
    if not listed:
        raise NotFound("Nothing runs and nothing ever ran. Drop a file: mlops drop reviews.csv")
    return listed[0]


def tell(outcome: Outcome, console: Console) -> None:
    """Print how an execution ended, in one sentence and what to read next."""
    if outcome.succeeded:
        if outcome.run and outcome.run.verdict:
            if outcome.run.sentence:
                console.print(styled((outcome.run.sentence, "bold")))
            console.print(f"More: mlops explain {outcome.run.run}")
        else:
            console.print("Done. No run was needed.")
        return
    ended = {"ABORTED": "was stopped", "TIMED_OUT": "ran out of time"}.get(outcome.status, "failed")
    console.print(styled((f"The execution {ended}:", "bold red"), f" {outcome.why}"))
    console.print(
        "The model that was live stays live. What was dropped is not lost: see mlops runs, and the notification."
    )
