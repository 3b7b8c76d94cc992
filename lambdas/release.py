"""Release: give the claim back, THEN look again, and start one execution if anything is pending."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from domain import layout
from domain.ledger import Run
from domain.messages import Released, ReleaseStep
from lambdas.environment import Environment
from lambdas.pending import pending


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Conclude a run that was rolled back, free the claim, and start what is due."""
    step, env = ReleaseStep.model_validate(event), Environment.read()
    run = env.ledger.run(step.run) if step.failed and step.run else None
    if step.failed and run and run.execution == step.execution:
        give_up(env, run, f"{step.failed.error}: {step.failed.cause}")
    env.ledger.release(step.execution)
    due = pending(env)
    return Released(started=start(env, step.execution, due) if due else None).to_payload()


def give_up(env: Environment, run: Run, reason: str) -> None:
    """Conclude a run that failed for good, so that the same artifact is not deployed again and again.

    A run that was promoted before it failed stays promoted; one that is concluded stays so.
    """
    champion = env.ledger.champion()
    if run.verdict and not run.awaits_approval:
        return
    promoted = champion is not None and champion.run == run.run
    # DynamoDB items end at 400 KB and a cause may hold a whole job description: the start says what happened.
    ended = replace(run, verdict="promote") if promoted else replace(run, verdict="gave-up", sentence=reason[:2000])
    env.ledger.conclude(ended)


def start(env: Environment, after: str, due: dict[str, str], chain: int = 0) -> str:
    """Start the execution that follows `after` with what is `due`; its name is `after`'s, so a retry starts no second.

    `chain` counts executions in a row that failed before they could do anything.
    """
    name = f"after-{layout.digest(after)}"
    states = env.client("stepfunctions")
    message = json.dumps({**due, "chain": chain})
    try:
        answer = states.start_execution(stateMachineArn=env.state_machine_arn, name=name, input=message)
    except states.exceptions.ExecutionAlreadyExists:
        return f"{env.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
    return str(answer["executionArn"])
