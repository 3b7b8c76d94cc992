"""Claim: one project runs one pipeline at a time.

The claim is free, or it is taken over from an owner that is not running any more. Whoever takes over converges the
endpoint first, since nobody knows what the dead owner left live.
"""

from __future__ import annotations

from typing import Any, Literal

from domain.messages import Claimed, ClaimStep
from domain.state import TEARDOWN
from lambdas.environment import Environment, timestamp
from lambdas.executions import is_running
from lambdas.telemetry import logger


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Take the claim for `event["execution"]`, or say that another execution holds it.

    Raises WrongEvent, before anything is done, if the machine was started with what means nothing.
    """
    step, env = ClaimStep.read(event), Environment.read()
    asked = {"reason": step.started.reason, "start": step.started.start, "run": step.started.run}
    return Claimed(outcome=_claim(env, step), **asked).to_payload()


def _claim(env: Environment, step: ClaimStep) -> Literal["claimed", "recover", "coalesced"]:
    claim = env.ledger.claim(step.execution, timestamp())
    if claim and claim.owner == step.execution:
        return "recover" if claim.recover else "claimed"
    # Given back this moment: whoever had it looks again after that, and finds what this execution came for.
    if claim is None or claim.owner == TEARDOWN or is_running(env, claim.owner):
        holder = claim.owner if claim else "nobody"
        logger().info("Another execution holds the claim", extra={"holder": holder, "reason": step.started.reason})
        return "coalesced"
    taken = env.ledger.take_over(claim, step.execution, timestamp())
    return "recover" if taken else "coalesced"
