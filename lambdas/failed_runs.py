"""How a run ends that failed: for good, or until the account's quota allows it."""

from __future__ import annotations

from dataclasses import replace

from domain.state import Run
from lambdas.environment import Environment
from lambdas.model import orders

# DynamoDB items end at 400 KB and a cause may hold a whole job description: the start says what happened.
_WHY_CHARACTERS = 2000


def give_up(env: Environment, run: Run, why: str) -> None:
    """Conclude a run that failed for good, so that the same artifact is not deployed again and again.

    A run that was promoted before it failed stays promoted; one that is concluded stays so.
    """
    if run.verdict and not run.awaits_approval:
        return
    gave_up = replace(run, verdict="gave-up", sentence=why[:_WHY_CHARACTERS])
    env.ledger.conclude(_promoted(env, run) or gave_up)


def _promoted(env: Environment, run: Run) -> Run | None:
    """A run as it ends that came as far as moving the champion, or None."""
    champion = env.ledger.champion()
    if champion is None or champion.run != run.model:
        return None
    if not run.makes_live:
        return replace(run, verdict="promote")
    order = env.ledger.orders.of(run.run)
    if order is None or champion.version != order.beside + 1:
        return None
    return orders.carried_out(env, order, run)


def postpone(env: Environment, run: Run, why: str) -> None:
    """Leave a run that the account's quota kept from being deployed to the next sweep; its artifact is kept."""
    if not run.verdict or run.awaits_approval:
        env.ledger.save_run(replace(run, postponed=why[:_WHY_CHARACTERS]))
