"""Reject: the champion stays. If the new data did harm, it is held, so that it cannot poison every later run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.data.dataset import holds_for
from domain.errors import Superseded
from domain.messages import RunStep
from lambdas.environment import Environment
from lambdas.storage import read_version


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Hold what the champion's version does not have (only after `reject`), then conclude the run."""
    step, env = RunStep.read(event), Environment.read()
    env.ledger.require_claim(step.execution)
    run = env.ledger.run(step.run)
    if run is None or run.judged is None or run.sentence is None:
        raise Superseded(f"run {step.run} was not judged")
    champion, holds = env.ledger.champion(), []
    # Without a champion nothing was harmed: a first dataset that is too weak grows by the next drop.
    if run.judged == "reject" and champion and champion.epoch == run.epoch:
        judged = read_version(env, run.epoch, run.dataset)
        accepted = read_version(env, champion.epoch, champion.dataset)
        holds = holds_for(run.run, run.sentence, run.epoch, judged.sources, accepted.sources)
    env.ledger.conclude(replace(run, verdict=run.judged), step.execution, holds)
    return {}
