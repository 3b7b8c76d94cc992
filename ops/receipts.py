"""Receipts as the pipeline wrote them (`lambdas/model/receipt.py`), and what the tables and pages need of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import tasks
from domain import layout
from domain.measures import Measure, among
from domain.state import Run
from ops.deployment import Deployment
from tasks import settings

Receipt = dict[str, Any]


def read(deployment: Deployment, run: Run) -> Receipt | None:
    """The receipt of a run that was judged, or None. It is written before the ledger says that the run was.

    One that cannot be there is not asked for: S3 tells whoever may not list a bucket that he may not read it.
    """
    if not run.judged:
        return None
    receipt: Receipt | None = deployment.read_json(layout.run_file(run.run, "receipt.json"))
    return receipt


def rows(receipt: Receipt) -> int:
    """Accepted rows of all splits, before duplicates are folded."""
    return sum(int(count) for count in receipt["data"]["rows"].values())


def measures(receipt: Receipt) -> list[Measure]:
    """The measures that the receipt tells of its candidate: it may be of a task that this deployment no longer has."""
    return among(receipt["gate"]["candidate"])


def column_types(receipt: Receipt) -> Mapping[str, str]:
    """The type of each column that the model reads: as the first file said, or else as the run's task has them.

    Nothing of a run whose receipt names no task, or one that this release has not got.
    """
    if "schema" in receipt["data"]:
        schema: Mapping[str, str] = receipt["data"]["schema"]
        return schema
    given: Mapping[str, str] = receipt["training"]["hyperparameters"]
    task, features = (json.loads(given.get(name, "null")) for name in ("task", "features"))
    if task not in tasks.names():
        return {}
    default = settings.of(task).model_fields["data"].default
    data = default.model_copy(update={"features": tuple(features or ())})
    return {column.name: column.type for column in tasks.row(task).columns(data) or ()}


def versus(receipt: Receipt, measure: Measure) -> str:
    """Candidate against champion: `0.780 / 0.770`, or `0.780 / -` where there was no champion; `-` of neither."""
    gate = receipt["gate"]
    if measure.key not in gate["candidate"]:
        return "-"
    champion = gate.get("champion")
    theirs = measure.shown(champion[measure.key], 3) if champion else "-"
    return f"{measure.shown(gate['candidate'][measure.key], 3)} / {theirs}"
