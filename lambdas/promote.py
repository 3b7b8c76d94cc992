"""Promote: the champion pointer moves, on condition that the claim is ours and the champion the one judged against."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.facts import Superseded
from domain.messages import RunStep
from lambdas.environment import Environment, timestamp
from lambdas.redeploy import require_open


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Make the run the champion and conclude it. Raises Superseded, RejectedMeanwhile."""
    step, env = RunStep.read(event), Environment.read()
    run = env.ledger.run(step.run)
    if run is None:
        raise Superseded(f"run {step.run} is not in the ledger")
    require_open(run)
    env.ledger.promote(step.execution, run, timestamp())
    env.ledger.conclude(replace(run, verdict="promote"))
    return {}
