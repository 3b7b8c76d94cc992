"""What is still to be done: asked by Release, after the claim is free, so that nothing that came meanwhile is lost."""

from __future__ import annotations

from domain import dataset, layout
from domain.arrivals import arrived
from domain.dataset import Source
from domain.facts import AWAITING
from lambdas.environment import Environment
from lambdas.storage import landed


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


def pending(env: Environment) -> dict[str, str] | None:
    """The message of the execution that is due, or None.

    Due is an approved model, an open request, or a dataset without a conclusion that still holds.
    """
    approved = [run for run in env.ledger.approved() if _is_due(env, run)]
    if approved:
        return {"reason": "approved", "from": "Redeploy", "run": approved[0]}
    requests = env.ledger.requests()
    if requests:
        return {"reason": "; ".join(requests.values())[:200], "from": "Settle"}
    sources = current_sources(env)
    if sources and not env.ledger.conclusion(current_dataset(env, sources)):
        return {"reason": "landing changed", "from": "Settle"}
    return None


def _is_due(env: Environment, approved: str) -> bool:
    """Whether an approved run has yet to go live. One that was promoted has, if noting it was cut off."""
    run = env.ledger.run(approved)
    return run is not None and run.verdict in (AWAITING, "promote")
