"""Reconcile: an execution FAILED, was ABORTED or TIMED OUT; make good what it left, and tell a person once.

The claim is handed to one deterministically named execution that converges the endpoint on the champion and releases.
The machine cannot do this itself: its Catch never sees an abort.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC
from typing import Any, Final

from domain import layout
from domain.errors import WrongEvent
from domain.explain import TITLES, explain_failure, hopeless, of_the_account, reason
from domain.messages import ExecutionBroken, Start
from domain.state import TEARDOWN, Run
from lambdas import executions
from lambdas.dataset.pending import current_dataset, current_sources, pending
from lambdas.environment import Environment, now
from lambdas.failed_runs import give_up, postpone
from lambdas.model import orders
from lambdas.model.jobs import stop_jobs
from lambdas.notify import notify
from lambdas.telemetry import logger
from lambdas.tell_once import end_of, once

# A convergence that fails is tried again by a new execution, so often in a row; then a person is needed.
MAX_CHAIN: Final = 3


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer one "Step Functions Execution Status Change" event. Safe to repeat."""
    execution, env = ExecutionBroken.read(event).detail.execution, Environment.read()
    described = env.client("stepfunctions").describe_execution(executionArn=execution)
    holder = env.ledger.claimed_by()
    if holder == TEARDOWN:
        logger().info("The stack is being deleted: nothing to reconcile", extra={"execution": execution})
        return
    message = _message(described)
    run = _run_of(env, execution) or _ordered(env, execution, message)
    chain, converging = message.chain + 1, _converges(message)
    successor = executions.successor(env, execution)
    gave_up, lost = None, False
    if holder in (execution, successor):
        gave_up = _count(env, described, run)
        stop_jobs(env, run.run if run else None)
        lost = converging and chain > MAX_CHAIN
        if lost:
            env.ledger.release(execution)
        elif env.ledger.hand_over(execution, successor, now().isoformat()):
            executions.start_successor(env, execution, chain if converging else 1)
        if not gave_up:
            # A step that outlived its execution may have concluded the run until the claim was handed over.
            run = _run_of(env, execution) or run
    elif holder is None and chain <= MAX_CHAIN:
        _look_again(env, execution, chain)
    _notify(env, described, run, gave_up, lost=lost)


def _message(described: dict[str, Any]) -> Start:
    """What an execution was started with. One that Claim refused for its input did nothing, as for any drop."""
    try:
        return Start.read(json.loads(described["input"]))
    except WrongEvent:
        return Start()


def _converges(message: Start) -> bool:
    """Whether an execution was to bring the endpoint to the champion; one for an approved run works on that run."""
    return message.start == "Redeploy" and not message.run


def _look_again(env: Environment, execution: str, chain: int) -> None:
    """The claim is free: the execution died before Claim or within Release, and what is pending would lie there."""
    due = pending(env)
    if due:
        executions.start_after(env, execution, due, chain)


def _run_of(env: Environment, execution: str) -> Run | None:
    return next((run for run in reversed(env.ledger.runs()) if run.execution == execution), None)


def _ordered(env: Environment, execution: str, message: Start) -> Run | None:
    """The run of an order that an execution was to carry out, and did not come to begin."""
    order = env.ledger.orders.of(message.run) if message.run else None
    return orders.to_run(env, order, execution) if order else None


def _count(env: Environment, described: dict[str, Any], run: Run | None) -> str | None:
    """Count a failed attempt, and give the dataset up after `max_attempts`; why, or None.

    An abort is a person's decision, not a failure of the data; neither is what fails after the run was concluded, or
    for the account's quota.
    """
    converging = _converges(_message(described))
    if described["status"] == "ABORTED" or converging or (run and run.verdict and not run.awaits_approval):
        return None
    if run and of_the_account(str(described.get("error", "")), str(described.get("cause", ""))):
        postpone(env, run, reason(described["cause"]))
        return None
    # An order fails by itself: that says nothing about the model's data.
    dataset = run.run if run and run.makes_live else run.closes if run else _landed(env)
    failures = env.ledger.count_failure(dataset, described["executionArn"])
    why = hopeless(str(described.get("error", "")), str(described.get("cause", "")))
    if failures < env.settings.operations.max_attempts and not why:
        return None
    why = why or f"{failures} attempts failed"
    give_up(env, run or _unprepared(env, described, dataset), f"Given up: {why}. {reason(described.get('cause', ''))}")
    return why


def _landed(env: Environment) -> str:
    return current_dataset(env, current_sources(env))


def _unprepared(env: Environment, described: dict[str, Any], dataset: str) -> Run:
    """What stands for the run that the execution did not come to make: it answers all that was asked for."""
    return Run(
        run=layout.digest([dataset, described["executionArn"]]),
        dataset=dataset,
        epoch=env.settings.data.epoch,
        execution=described["executionArn"],
        reason=_message(described).reason,
        started=described["startDate"].astimezone(UTC).isoformat(timespec="seconds"),
        requests=tuple(sorted(env.ledger.requests())),
    )


def _notify(env: Environment, described: dict[str, Any], run: Run | None, gave_up: str | None, *, lost: bool) -> None:
    """Tell of the failure, and how the run ended if the execution did not come to say that."""
    execution = described["executionArn"]
    ended = run is not None and run.verdict in TITLES
    # The event may come twice at once, and Announce be at it still.
    with (
        once(env, f"failure#{layout.digest(execution)}") as failure,
        once(env, end_of(run)) if failure and run and ended else nullcontext(enter_result=False) as not_announced,
    ):
        if failure:
            subject, message = explain_failure(
                project=env.project,
                status=described["status"],
                error=str(described.get("error", "")),
                cause=str(described.get("cause", "")),
                execution=execution,
                run=run,
                gave_up=gave_up,
                lost=lost,
                live=env.ledger.champion() is not None,
                not_announced=not_announced,
            )
            notify(env, subject, message)
