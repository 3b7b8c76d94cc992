"""`mlops promote`: a person overrules the gate, on record."""

from __future__ import annotations

from rich.console import Console

from domain.state import Champion, Run
from ops import orders
from ops.deployment import Deployment
from ops.errors import Unusable, in_plain_words
from ops.find import find_run


def promote(deployment: Deployment, prefix: str, reason: str, console: Console) -> str:
    """Order that the model of the run whose id starts with `prefix` goes live; the execution's ARN.

    Raises NotFound, and Unusable without a reason or for a run that has no model which was kept out.
    """
    if not reason.strip():
        raise Unusable("say why: it stands on record beside what the gate said")
    with in_plain_words(deployment.project):
        run, champion = find_run(deployment, prefix), deployment.ledger.champion()
        _require_kept_out(deployment, run, champion)
        console.print(f"Promoting run {run.run} past the gate, which said: {run.sentence}")
        console.print("Files that the gate held stay held: mlops held")
        order = orders.new_id()
        return orders.give(deployment, "promote", run.run, reason, console, champion=champion, order=order)


def _require_kept_out(deployment: Deployment, run: Run, champion: Champion | None) -> None:
    if run.makes_live:
        raise Unusable(f"run {run.run} carried out an order; the model is that of run {run.makes_live}")
    if champion and run.run == champion.run:
        raise Unusable(f"run {run.run} is what is live")
    if champion and run.run in champion.before:
        raise Unusable(f"run {run.run} was live before: mlops rollback --to {run.run}")
    if run.awaits_approval:
        raise Unusable(f"run {run.run} passed the gate and waits for a person: mlops approve {run.run}")
    judgement = deployment.ledger.judgements.of(run.run)
    if judgement is None or not run.verdict:
        raise Unusable(f"run {run.run} was not judged, so it has no model to promote: mlops explain {run.run}")
    if champion and judgement.epoch < champion.epoch:
        raise Unusable(f"run {run.run} is of epoch {judgement.epoch}, and what is live of epoch {champion.epoch}")
