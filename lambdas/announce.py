"""Announce: tell the world how a run ended, by an event and a notification. At least once; never rolled back."""

from __future__ import annotations

import json
from typing import Any

from domain import layout
from domain.messages import AnnounceStep
from domain.plainly import explain_end
from lambdas.environment import Environment
from lambdas.notify import notify
from lambdas.telemetry import emit

_EVENTS = {
    "promote": "New Model",
    "keep": "Model Kept",
    "reject": "Model Rejected",
    "awaiting-approval": "Model Awaiting Approval",
    "screened": "Data Held",
    "too-few-rows": "Data Refused",
}


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Put the event and publish the verdict in one sentence."""
    step, env = AnnounceStep.read(event), Environment.read()
    run = env.ledger.run(step.run)
    if run is None:
        raise LookupError(f"run {step.run} is not in the ledger")
    title = _EVENTS[run.verdict]
    detail = {"project": env.project, "run": run.run, "dataset": run.dataset, "sentence": run.sentence}
    entry = {"Source": layout.EVENT_SOURCE, "DetailType": title, "Detail": json.dumps(detail)}
    answer = env.client("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"the event was not taken: {answer['Entries']}")
    notify(env, f"{env.project}: {title}", explain_end(run))
    emit({"Promoted": float(run.verdict == "promote"), "Rejected": float(run.verdict == "reject")})
    return {}
