"""What is still to be done: asked by Release, after the claim is free, so that nothing that came meanwhile is lost."""

from __future__ import annotations

from domain import layout
from domain.data import dataset
from domain.data.dataset import Source
from domain.messages import Start
from domain.state import AWAITING, Run
from lambdas.environment import Environment
from lambdas.storage import landed
from ledger.arrivals import arrived


def current_sources(env: Environment, landing: list[Source] | None = None) -> list[Source]:
    """The dataset as it stands: landing (or landing as it was listed before) minus what is held, in fold order."""
    held = dataset.valid_in(env.settings.data.epoch, env.ledger.held())
    return dataset.current(known(env, landed(env) if landing is None else landing), held)


def known(env: Environment, landing: list[Source]) -> list[Source]:
    """Landed objects as the sources that stand for their contents, as far as these were read before."""
    return arrived(landing, env.ledger.arrivals.all())


def current_dataset(env: Environment, sources: list[Source]) -> str:
    """The id of the dataset that `sources` make, whichever of its labels may be set aside."""
    return layout.dataset_id(env.settings.data.epoch, [source.source for source in sources])


def pending(env: Environment, *, again: bool = False) -> Start | None:
    """The message of the execution that is due, or None.

    Due is a person's order, an approved model, an open request, or a dataset without a conclusion that still holds.
    What was postponed for the account's sake is due only `again`, to who comes of a sweep or a drop: else each try
    would start the next.
    """
    ordered = [order for order in env.ledger.orders.open() if again or not _is_postponed(env, order.order)]
    if ordered:
        return Start.redeploy(ordered[0].kind, ordered[0].order)
    approved = [run for run in env.ledger.judgements.approved() if _is_due(env, run, again=again)]
    if approved:
        return Start.redeploy("approved", approved[0])
    requests = env.ledger.requests()
    postponed = _postponed(env) if requests and not again else []
    requests = {name: why for name, why in requests.items() if not any(name in run.requests for run in postponed)}
    if requests:
        return Start.settle("; ".join(requests.values())[:200])
    sources = current_sources(env)
    dataset = current_dataset(env, sources)
    if not sources or env.ledger.conclusion(dataset):
        return None
    if not again and any(run.closes == dataset for run in _postponed(env)):
        return None
    return Start.settle("landing changed")


def _postponed(env: Environment) -> list[Run]:
    return [run for run in env.ledger.runs() if run.postponed]


def _is_postponed(env: Environment, run: str) -> bool:
    known = env.ledger.run(run)
    return known is not None and known.postponed is not None


def _is_due(env: Environment, approved: str, *, again: bool) -> bool:
    """Whether an approved run has yet to go live. One that was promoted has, if noting it was cut off.

    An approval of what was judged before is none: Redeploy would refuse it.
    """
    run, judgement = env.ledger.run(approved), env.ledger.judgements.of(approved)
    if run is None or judgement is None or env.ledger.judgements.approval(judgement) is None:
        return False
    return run.verdict in (AWAITING, "promote") and (again or not run.postponed)
