"""Claim: one project runs one pipeline at a time.

The claim is free, or it is taken over from an owner that is not running any more. Whoever takes over converges the
endpoint first, since nobody knows what the dead owner left live.
"""

from __future__ import annotations

from typing import Any

from domain.ledger import TEARDOWN
from domain.messages import Claimed, ClaimStep
from lambdas.environment import Environment, timestamp
from lambdas.telemetry import logger


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Take the claim for `event["execution"]`, or say that another execution holds it."""
    step, env = ClaimStep.model_validate(event), Environment.read()
    holder = env.ledger.claim(step.execution, timestamp())
    if holder == step.execution:
        return Claimed(outcome="claimed").to_payload()
    if holder == TEARDOWN or not holder or is_running(env, holder):
        logger().info("Another execution holds the claim", extra={"holder": holder, "reason": step.reason})
        return Claimed(outcome="coalesced").to_payload()
    taken = env.ledger.hand_over(holder, step.execution, timestamp())
    return Claimed(outcome="recover" if taken else "coalesced").to_payload()


def is_running(env: Environment, execution: str) -> bool:
    """Whether an execution is running; one that Step Functions does not know is not."""
    states = env.client("stepfunctions")
    try:
        return bool(states.describe_execution(executionArn=execution)["status"] == "RUNNING")
    except states.exceptions.ExecutionDoesNotExist:
        return False
