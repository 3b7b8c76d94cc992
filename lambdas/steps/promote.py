"""Promote: the champion pointer moves, on condition that the claim is ours and the champion the one judged against.

It moves to what Evaluate's judgement names, and a person's approval is asked for once more where it is needed; or to
what a person ordered, with what is to be held for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.errors import NotToBeDeployed, Superseded
from domain.messages import RunStep
from domain.state import Order
from lambdas.environment import Environment, timestamp
from lambdas.model import orders
from lambdas.model.approval import require_in_registry, require_noted, require_open


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Make the run's model the champion and conclude it.

    Raises Superseded, NotToBeDeployed, NotApproved, RejectedMeanwhile, NotToBeOrdered, OrderedTooLate.
    """
    step, env = RunStep.read(event), Environment.read()
    order = env.ledger.orders.of(step.run)
    if order:
        _carry_out(env, step.execution, order)
        return {}
    run, judgement = env.ledger.run(step.run), env.ledger.judgements.of(step.run)
    if run and run.makes_live and run.verdict in ("promote", "restored"):
        # A first try has carried the order out, and its answer was lost.
        return {}
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


def _carry_out(env: Environment, execution: str, order: Order) -> None:
    """Make the model that a person ordered the champion, hold what is to be held, and conclude the order's run."""
    run = orders.carried_out(env, order, env.ledger.require_run(order.order))
    env.ledger.promote(execution, orders.target(env, order), timestamp(), run, order=order)
    env.ledger.conclude(run)
