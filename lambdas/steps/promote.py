"""Promote: the champion pointer moves, on condition that the claim is ours and the champion the one judged against.

It moves to what Evaluate's judgement names, and a person's approval is asked for once more where it is needed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.errors import NotToBeDeployed, Superseded
from domain.messages import RunStep
from lambdas.environment import Environment, timestamp
from lambdas.model.approval import require_in_registry, require_noted, require_open


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Make the run's model the champion and conclude it.

    Raises Superseded, NotToBeDeployed, NotApproved, RejectedMeanwhile.
    """
    step, env = RunStep.read(event), Environment.read()
    run, judgement = env.ledger.run(step.run), env.ledger.judgements.of(step.run)
    if run is None or judgement is None:
        raise Superseded(f"run {step.run} is not in the ledger, or was never judged")
    if judgement.verdict != "promote":
        raise NotToBeDeployed(f"run {step.run} has not passed the gate")
    require_open(run)
    champion = env.ledger.champion()
    # Else a first try has promoted it, and with its conclusion the approval was done with.
    if champion is None or (champion.run, champion.seal) != (judgement.run, judgement.seal):
        require_noted(env, judgement)
        require_in_registry(env, judgement)
    promoted = replace(run, verdict="promote")
    env.ledger.promote(step.execution, judgement, timestamp(), promoted)
    env.ledger.conclude(promoted)
    return {}
