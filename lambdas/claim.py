"""Claim: one project runs one pipeline at a time.

The claim is free, or it is taken over from an owner that is not running any more. Whoever takes over converges the
endpoint first, since nobody knows what the dead owner left live.
"""

from __future__ import annotations

from typing import Any

from domain.facts import TEARDOWN
from domain.messages import Claimed, ClaimStep
from lambdas.environment import Environment, timestamp
from lambdas.telemetry import logger


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Take the claim for `event["execution"]`, or say that another execution holds it."""
    step, env = ClaimStep.read(event), Environment.read()
    claim = env.ledger.claim(step.execution, timestamp())
    if claim and claim.owner == step.execution:
        return Claimed(outcome="recover" if claim.recover else "claimed").to_payload()
    # Given back this moment: whoever had it looks again after that, and finds what this execution came for.
    if claim is None or claim.owner == TEARDOWN or is_running(env, claim.owner):
        holder = claim.owner if claim else "nobody"
        logger().info("Another execution holds the claim", extra={"holder": holder, "reason": step.reason})
        return Claimed(outcome="coalesced").to_payload()
    taken = env.ledger.take_over(claim, step.execution, timestamp())
    return Claimed(outcome="recover" if taken else "coalesced").to_payload()


def is_running(env: Environment, execution: str) -> bool:
    """Whether an execution is running; one that Step Functions does not know is not."""
    states = env.client("stepfunctions")
    try:
        return bool(states.describe_execution(executionArn=execution)["status"] == "RUNNING")
    except states.exceptions.ExecutionDoesNotExist:
        return False
