"""What a run costs beside its training: state transitions, Lambda GB-seconds, requests to AWS; on a local cloud.

The run that is measured is a second one: it has a live model to compare with, and a new file to screen. What it costs
is read where it could be read on AWS: the execution's history, the functions' REPORT log lines, CloudTrail.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.cloudtrail import requests
from bench.report import Cell, Result, Table, Target
from domain import layout
from domain.messages import Start
from local.cloud import LocalCloud
from ops.demo import plays
from ops.deployment import Deployment
from ops.errors import OpsError
from ops.execution import await_running, look
from ops.follow import follow
from ops.reviews import Review, as_csv, rotten_tomatoes
from stacks.cdk_json import merge

# The states that wait, with what stands between two waits: how often they come round is not for the machine to say.
WAITING: Final = frozenset({"Settle", "WaitForQuiet", "Quiet", "Await", "LookAtEndpoint", "Converged"})
_FIRST_ROWS, _MORE_ROWS, _START_SECONDS = 400, 100, 60.0
# Whatever goes live: this measures the way there.
_ANYTHING_GOES: Final = {
    "gate": {
        **{"min_accuracy": 0, "min_macro_f1": 0, "max_drop": 1, "margin": 1, "max_label_drop": 1, "max_total_drop": 1},
        "min_test_rows": 10,
    }
}
_REPORT: Final = re.compile(r"REPORT RequestId: \S+\s+Duration: ([0-9.]+) ms")
_NOTES: Final = (
    "Transitions as Step Functions bills them: each state that is entered, and each retry.",
    "Seconds are those of this machine, a function's cold start included, which is a new process here.",
    "Step Functions' own polling of the training job is not billed and not counted.",
)


@dataclass(frozen=True)
class Used:
    """What one function used: its memory in MB, the seconds of each invocation, its requests by AWS service."""

    memory_mb: int
    seconds: tuple[float, ...]
    requests: Counter[str]

    @property
    def gb_seconds(self) -> float:
        """As Lambda bills: memory times duration."""
        return sum(self.seconds) * self.memory_mb / 1024


def transitions(events: Iterable[dict[str, Any]]) -> list[str]:
    """The states of an execution's history as they are billed: in the order of entering, a retried one once more."""
    states, tries = list[str](), 0
    for event in events:
        if "stateEnteredEventDetails" in event:
            states.append(str(event["stateEnteredEventDetails"]["name"]))
            tries = 0
        elif event["type"] == "TaskScheduled":
            tries += 1
            states += states[-1:] if tries > 1 else []
    return states


def outside_waiting(states: Sequence[str]) -> int:
    """How many of these transitions are not Settle's and not Await's."""
    return sum(state not in WAITING for state in states)


def run(*, full: bool = False) -> Result:  # noqa: ARG001  # one run is one run
    """Deploy to a local cloud of its own, promote twice, and count the second. Raises OpsError if it goes otherwise."""
    settings = {"CLOUDTRAIL_RECORDING": "1", "CLOUDTRAIL_MAX_EVENTS": "1000000"}
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder), settings=settings) as cloud:
        cloud.bootstrap()
        play = plays.of()
        cloud.deploy(merge(play.settings, _ANYTHING_GOES))
        play.begin(cloud, Console(quiet=True))
        deployment, reviews = Deployment.on(cloud, play.project), _easy_reviews()
        _drop(deployment, "first.csv", as_csv(reviews[:_FIRST_ROWS]))
        first = _working(deployment)
        coalesced = _start_beside(deployment, first)
        _promoted(deployment, first)
        _drop(deployment, "second.csv", as_csv(reviews[_FIRST_ROWS : _FIRST_ROWS + _MORE_ROWS]))
        second = _working(deployment)
        _promoted(deployment, second)
        history = _history(deployment, second)
        return _result(transitions(history), _used(deployment, second), history, transitions(coalesced))


def _result(
    states: Sequence[str], used: dict[str, Used], history: Sequence[dict[str, Any]], coalesced: Sequence[str]
) -> Result:
    asked = Counter(
        str(event["taskScheduledEventDetails"]["resource"]).rsplit(":", 1)[-1]
        for event in history
        if "taskScheduledEventDetails" in event
    )
    services = sum((each.requests for each in used.values()), Counter[str]())
    gb_seconds = sum(each.gb_seconds for each in used.values())
    invocations = sum(len(each.seconds) for each in used.values())
    functions: list[list[Cell]] = [
        [name, len(each.seconds), each.memory_mb, sum(each.seconds), each.gb_seconds, each.requests.total()]
        for name, each in used.items()
    ]
    seconds = sum(sum(each.seconds) for each in used.values())
    functions.append(["all", invocations, None, seconds, gb_seconds, services.total()])
    columns = ("function", "invocations", "memory, MB", "seconds", "GB-seconds", "requests to AWS")
    by_service: list[list[Cell]] = [[name, count] for name, count in services.most_common()]
    by_machine: list[list[Cell]] = [[name, count] for name, count in asked.most_common()]
    return Result(
        "The control plane of one run: a second file, screened, trained, judged, promoted",
        [
            Table(
                "Step Functions",
                ("", "transitions"),
                [
                    ["all", len(states)],
                    ["in Settle", sum(state in ("Settle", "WaitForQuiet", "Quiet") for state in states)],
                    ["in Await", sum(state in ("Await", "LookAtEndpoint", "Converged") for state in states)],
                    ["outside both", outside_waiting(states)],
                    ["an event that comes during a run", len(coalesced)],
                ],
                _NOTES,
            ),
            Table("Lambda", columns, functions),
            Table("Requests to AWS", ("by the functions, to", "requests"), by_service),
            Table("", ("by Step Functions", "requests"), by_machine),
        ],
        targets=(
            Target.at_most("transitions of a promotion outside Settle and Await", 30, outside_waiting(states)),
            Target.at_most("transitions of an event that comes during a run", 3, len(coalesced)),
        ),
        figures={
            "transitions": len(states),
            "transitions_outside_waiting": outside_waiting(states),
            "transitions_coalesced": len(coalesced),
            "invocations": invocations,
            "gb_seconds": gb_seconds,
            "requests": services.total() + asked.total(),
        },
    )


def _used(deployment: Deployment, execution: str) -> dict[str, Used]:
    """What each function that was invoked during an execution used, by its name without the project's."""
    described = deployment.client("stepfunctions").describe_execution(executionArn=execution)
    # What the run's last events set off, Observe for one, ends a little later.
    since, until = described["startDate"], described["stopDate"] + timedelta(seconds=5)
    time.sleep(5)
    found, prefix = {}, f"/aws/lambda/{layout.function(deployment.project, '')}"
    for page in deployment.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in (str(group["logGroupName"]) for group in page["logGroups"]):
            seconds, name = _reported(deployment, group, since, until), group.removeprefix("/aws/lambda/")
            if seconds:
                memory = deployment.client("lambda").get_function_configuration(FunctionName=name)["MemorySize"]
                asked = requests(deployment.client("cloudtrail"), name, since, until)
                found[group.removeprefix(prefix)] = Used(int(memory), seconds, asked)
    return dict(sorted(found.items(), key=lambda item: -item[1].gb_seconds))


def _reported(deployment: Deployment, group: str, since: datetime, until: datetime) -> tuple[float, ...]:
    """Seconds of each invocation that a log group reports in a span of time."""
    pages = deployment.client("logs").get_paginator("filter_log_events")
    span = {"startTime": int(since.timestamp() * 1000), "endTime": int(until.timestamp() * 1000)}
    lines = [event["message"] for page in pages.paginate(logGroupName=group, **span) for event in page["events"]]
    return tuple(float(found[1]) / 1000 for line in lines if (found := _REPORT.match(line)))


def _easy_reviews() -> list[Review]:
    """Real reviews that end with their label, so that a few rows teach enough and training takes seconds."""
    return [(f"{text} {label}", label) for text, label in rotten_tomatoes()]


def _drop(deployment: Deployment, name: str, body: bytes) -> None:
    deployment.client("s3").put_object(Bucket=deployment.bucket, Key=f"{layout.LANDING}{name}", Body=body)


def _working(deployment: Deployment) -> str:
    execution = await_running(deployment, _START_SECONDS)
    if execution is None:
        raise OpsError(f"no execution started within {_START_SECONDS:.0f} s of the drop")
    return execution


def _promoted(deployment: Deployment, execution: str) -> None:
    outcome = follow(deployment, execution, Console(quiet=True))
    run = deployment.ledger.run(outcome.run.run) if outcome.run else None
    if run is None or run.verdict != "promote":
        raise OpsError(f"the run was not promoted: {run.sentence if run else outcome.why}")


def _start_beside(deployment: Deployment, execution: str) -> list[dict[str, Any]]:
    """The history of an execution that is started while another one trains, as any further event would start it."""
    states = deployment.client("stepfunctions")
    while (now := look(deployment, execution)).stages[-1:] == () or now.stages[-1].name != "Train":
        if now.over:
            raise OpsError(f"the first run ended before it trained: {now.why}")
        time.sleep(deployment.poll_seconds)
    message = Start.settle("drop").to_input()
    answer = states.start_execution(stateMachineArn=deployment.state_machine, input=message)
    other = str(answer["executionArn"])
    while not look(deployment, other).over:
        time.sleep(deployment.poll_seconds)
    return _history(deployment, other)


def _history(deployment: Deployment, execution: str) -> list[dict[str, Any]]:
    pages = deployment.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]
