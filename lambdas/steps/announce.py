"""Announce: tell the world how a run ended, by an event and a notification. Never rolled back."""

from __future__ import annotations

import json
from typing import Any

from domain import layout
from domain.explain import TITLES, explain_end
from domain.messages import RunStep
from lambdas.environment import Environment
from lambdas.notify import notify
from lambdas.telemetry import emit
from lambdas.tell_once import end_of, once


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Put the event and publish the verdict in one sentence."""
    step, env = RunStep.read(event), Environment.read()
    run = env.ledger.require_run(step.run)
    title = TITLES[run.ending]
    with once(env, end_of(run)) as ours:
        if ours:
            detail = {"project": env.project, "run": run.run, "dataset": run.dataset, "sentence": run.sentence}
            entry = {"Source": layout.EVENT_SOURCE, "DetailType": title, "Detail": json.dumps(detail)}
            answer = env.client("events").put_events(Entries=[entry])
            if answer["FailedEntryCount"]:
                raise RuntimeError(f"the event was not taken: {answer['Entries']}")
            notify(env, f"{env.project}: {title}", explain_end(run))
            emit({"Promoted": float(run.verdict == "promote"), "Rejected": float(run.verdict == "reject")})
    return {}
