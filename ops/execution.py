"""An execution of the state machine as a person follows it: which step it is in, for how long, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from domain.explain import reason
from domain.state import TEARDOWN, Run
from ops.deployment import Deployment
from ops.errors import NotFound

STEPS: Final = (
    "Claim", "Settle", "Prepare", "Screen", "Train", "Evaluate", "Redeploy", "Await", "Verify", "Promote", "Reject",
    "RollBack", "Announce", "Release",
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One step of an execution. `seconds` counts until the next step began, or until now."""

    name: str
    seconds: float
    done: bool


@dataclass(frozen=True)
class Outcome:
    """How an execution stands. `why` is its failure in plain words, if it is one; `run` what it worked on, if any."""

    execution: str
    status: str
    stages: tuple[Stage, ...]
    seconds: float
    why: str | None = None
    run: Run | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status != "RUNNING"

    @property
    def succeeded(self) -> bool:
        """Whether it ended well; a rejected model is a pipeline that worked."""
        return self.status == "SUCCEEDED"


def look(deployment: Deployment, execution: str) -> Outcome:
    """The execution as it stands. Raises NotFound if Step Functions does not know it (any more)."""
    states = deployment.client("stepfunctions")
    try:
        described = states.describe_execution(executionArn=execution)
    except states.exceptions.ExecutionDoesNotExist as error:
        raise NotFound(f"Step Functions knows no execution {execution} (it forgets after 90 days).") from error
    end = described.get("stopDate") or datetime.now(UTC)
    over = described["status"] != "RUNNING"
    stages = stages_of(_events(states, execution), end, over=over)
    why = None
    if described["status"] not in ("RUNNING", "SUCCEEDED"):
        name, cause = str(described.get("error", "")), reason(str(described.get("cause", "")))
        why = ": ".join(part for part in (name, cause) if part) or str(described["status"]).lower()
    run = next((run for run in deployment.ledger.runs() if run.execution == execution), None)
    elapsed = (end - described["startDate"]).total_seconds()
    return Outcome(execution, str(described["status"]), tuple(stages), elapsed, why, run)


def stages_of(events: Iterable[dict[str, Any]], end: datetime, *, over: bool) -> list[Stage]:
    """The steps that a history went through, in order; the waits and choices between two belong to the first."""
    entered: list[tuple[str, datetime]] = []
    for event in events:
        name = event.get("stateEnteredEventDetails", {}).get("name")
        if name in STEPS and not (entered and entered[-1][0] == name):
            entered.append((name, event["timestamp"]))
    if not entered:
        return []
    ends = [moment for _, moment in entered[1:]] + [end]
    last = len(entered) - 1
    return [
        Stage(name, max(0.0, (until - since).total_seconds()), done=over or place < last)
        for place, ((name, since), until) in enumerate(zip(entered, ends, strict=True))
    ]


def running(deployment: Deployment) -> str | None:
    """The execution that works now: the owner of the claim, or else the newest that runs."""
    holder = deployment.ledger.claimed_by()
    if holder and holder != TEARDOWN:
        return holder
    return next(iter(executions(deployment, "RUNNING")), None)


def executions(deployment: Deployment, status: str | None = None) -> list[str]:
    """ARNs of the newest executions, newest first."""
    arguments = {"statusFilter": status} if status else {}
    listed = deployment.client("stepfunctions").list_executions(
        stateMachineArn=deployment.state_machine, maxResults=100, **arguments
    )
    found = sorted(listed["executions"], key=lambda item: item["startDate"], reverse=True)
    return [str(item["executionArn"]) for item in found]


def await_running(deployment: Deployment, seconds: float) -> str | None:
    """The execution that works, waiting up to `seconds` for one to start."""
    deadline = time.monotonic() + seconds
    while True:
        found = running(deployment)
        if found or time.monotonic() >= deadline:
            return found
        time.sleep(deployment.poll_seconds)


def _events(states: Any, execution: str) -> list[dict[str, Any]]:
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=execution, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
    )
    return [event for page in pages for event in page["events"]]
