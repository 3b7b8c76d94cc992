"""`mlops retrain`: a run without a drop.

The request is in the ledger before anything is started, so it is never lost.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

from rich.console import Console

from domain import layout
from domain.messages import Start
from domain.state import Run
from ops.deployment import Deployment
from ops.errors import NotDeployed, OpsError, in_plain_words
from ops.execution import Outcome, look, running
from ops.follow import follow
from ops.watch import tell

# Reconcile needs a moment after a failure; what takes longer than this is left to the sweep.
_IDLE_SECONDS = 180.0


def retrain(deployment: Deployment, reason: str, console: Console, *, wait: bool) -> bool:
    """Ask for a run with the data as it is; with `wait` follow it. Whether it ended well (True without `wait`)."""
    # A byte of a shell's argument that is not UTF-8 has no place in the ledger.
    reason = reason.encode("utf-8", "replace").decode("utf-8")
    with in_plain_words(deployment.project):
        if not wait:
            execution = request_run(deployment, reason)
            console.print(f"Asked for a run ({reason}): {execution.rsplit(':', 1)[1]}. Follow it: mlops watch")
            return True
        request = write_request(deployment, reason)
        outcome = _answer(deployment, request, start(deployment, request, reason), console)
    tell(outcome, console)
    return outcome.succeeded


def request_run(deployment: Deployment, reason: str) -> str:
    """Write a request and start an execution for it; its ARN."""
    return start(deployment, write_request(deployment, reason), reason)


def write_request(deployment: Deployment, reason: str) -> str:
    """Write a request to the ledger; its id. A run in progress finds it when it releases the claim."""
    present = datetime.now(UTC)
    request = f"{present:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    deployment.ledger.request(request, reason, present.isoformat(timespec="seconds"))
    return request


def start(deployment: Deployment, request: str, reason: str) -> str:
    """Start the execution that answers a request, named after it; its ARN. Raises NotDeployed."""
    states = deployment.client("stepfunctions")
    message = Start.settle(reason[:200]).to_input()
    try:
        answer = states.start_execution(
            stateMachineArn=deployment.state_machine, name=layout.execution_for_request(request), input=message
        )
    except states.exceptions.StateMachineDoesNotExist as error:
        raise NotDeployed(
            f"The data and ledger of {deployment.project!r} are here, but its stack is not: make deploy. "
            f"Your request is kept and answered then."
        ) from error
    return str(answer["executionArn"])


def _answer(deployment: Deployment, request: str, started: str, console: Console) -> Outcome:
    """Follow one execution after another until the request is answered, or the one that worked on it has failed."""
    execution = started
    while True:
        console.print(f"Following {execution.rsplit(':', 1)[1]}")
        outcome = follow(deployment, execution, console)
        answered = _answered(deployment, request)
        if answered:
            return look(deployment, answered.execution) if answered.execution != execution else outcome
        ours = execution == started or bool(outcome.run and request in outcome.run.requests)
        if ours and not outcome.succeeded:
            return outcome
        console.print("Another run is in progress; the request is answered after it.")
        execution = _next(deployment, execution)


def _next(deployment: Deployment, after: str) -> str:
    """The execution that works after another one ended. Raises OpsError if none does for a while."""
    deadline = time.monotonic() + _IDLE_SECONDS
    while time.monotonic() < deadline:
        found = running(deployment)
        if found and found != after:
            return found
        time.sleep(deployment.poll_seconds)
    raise OpsError("No execution answers the request. It is kept, and the next sweep finds it: see mlops runs")


def _answered(deployment: Deployment, request: str) -> Run | None:
    return next((run for run in deployment.ledger.runs() if request in run.requests and run.verdict), None)
