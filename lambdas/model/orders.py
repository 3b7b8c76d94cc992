"""What a person ordered to go live: which model that is, and the run that carries it out.

An order may name a model that was live and is kept (`rollback`), or one that was judged and did not pass (`promote`).
Either way the bytes are those that the ledger knows of: an order chooses among them and brings no others.
"""

from __future__ import annotations

from dataclasses import replace

from domain.errors import NotToBeOrdered, OrderedTooLate
from domain.printable import printable
from domain.state import Champion, Judgement, Order, Run
from lambdas.environment import Environment, timestamp


def to_run(env: Environment, order: Order, execution: str) -> Run:
    """The run in which `execution` carries out an order: its data is that of the model."""
    known = env.ledger.run(order.model)
    return Run(
        run=order.order,
        # Whoever ordered what is no run is told so by a run, too.
        dataset=known.dataset if known else "none",
        epoch=known.epoch if known else env.settings.data.epoch,
        execution=execution,
        reason=f"{order.kind}: {order.reason}",
        started=timestamp(),
        champion_version=order.beside,
        landed=known.landed if known else None,
        makes_live=order.model,
        by=order.by,
    )


def target(env: Environment, order: Order) -> Judgement:
    """What an order makes live, as what goes live is always known: by its archive.

    Raises OrderedTooLate if the champion is another one than the order is to replace, and NotToBeOrdered for a model
    that is not kept, is of another epoch than the champion, was never judged, or is for a person to approve.
    """
    champion = env.ledger.champion()
    found = _former(env, order, champion) if order.kind == "rollback" else _refused(env, order, champion)
    version = champion.version if champion else 0
    # An earlier try may have come as far as moving the champion.
    moved = champion is not None and (champion.run, champion.seal) == (found.run, found.seal)
    if version != order.beside and not (moved and version == order.beside + 1):
        raise OrderedTooLate(
            f"run {order.model} was to take the place of champion {order.beside}, and now it is {version}: another "
            "model has been promoted since. What is live, and what can be gone back to: mlops rollback --list"
        )
    return found


def _former(env: Environment, order: Order, champion: Champion | None) -> Judgement:
    known = env.ledger.former(order.model)
    kept = champion is not None and order.model in (champion.run, *champion.before)
    if champion is None or known is None or not kept:
        raise NotToBeOrdered(f"run {order.model} is not one of the models that were live and are kept")
    if known.seal is None:
        raise NotToBeOrdered(f"run {order.model} was promoted by an earlier release, which sealed nothing")
    _require_epoch(order, known.epoch, champion)
    return Judgement(known.run, known.dataset, known.epoch, known.seal, "promote", order.beside)


def _refused(env: Environment, order: Order, champion: Champion | None) -> Judgement:
    judgement, run = env.ledger.judgements.of(order.model), env.ledger.run(order.model)
    if judgement is None or run is None:
        raise NotToBeOrdered(f"run {order.model} was never judged, so nobody knows what its model is")
    if run.awaits_approval:
        raise NotToBeOrdered(f"run {order.model} passed the gate and waits for a person: mlops approve {order.model}")
    if champion:
        _require_epoch(order, judgement.epoch, champion)
    return replace(judgement, champion_version=order.beside)


def _require_epoch(order: Order, epoch: int, champion: Champion) -> None:
    """Raise NotToBeOrdered if a model is of an epoch before the champion's: it was held out from other rows."""
    if epoch < champion.epoch:
        raise NotToBeOrdered(f"run {order.model} is of epoch {epoch}, and what is live of epoch {champion.epoch}")


def carried_out(env: Environment, order: Order, run: Run) -> Run:
    """The run of an order as it ends when its model is live."""
    champion = env.ledger.champion()
    left = [one for one in ((champion.run, *champion.before) if champion else ()) if one != order.model][:1]
    instead = f" in place of run {left[0]}" if left else ""
    by = f"ordered by {printable(order.by)}: {printable(order.reason)}"
    if order.kind == "promote":
        return replace(run, verdict="promote", sentence=f"Promoted past the gate: run {order.model}{instead}, {by}")
    held = f" ({len(order.holds):,} files are held with it)" if order.holds else ""
    said = f"Restored: run {order.model} is live again{instead}{held}, {by}"
    return replace(run, verdict="restored", sentence=said)
