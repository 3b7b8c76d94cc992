"""`mlops held` and `mlops release`: what the gate set aside, and how a person lets it back in."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from domain import layout
from domain.data import dataset
from domain.data.dataset import Hold, listed
from domain.printable import printable
from ledger.arrivals import arrived
from ops.console import make_table
from ops.deployment import Deployment
from ops.errors import NotFound, Unusable, in_plain_words
from ops.retrain import request_run


def table(deployment: Deployment) -> Table | None:
    """The held sources with their reasons, or None if there are none."""
    with in_plain_words(deployment.project):
        held = in_force(deployment)
    if not held:
        return None
    shown = make_table("source", "file", "held by", "in its place", "reason")
    for hold in sorted(held.values(), key=lambda item: item.source.last_modified):
        instead = "the version before it" if hold.predecessor else "nothing"
        shown.add_row(hold.source.source, hold.source.key, hold.run or "Prepare", instead, hold.reason)
    return shown


def release(deployment: Deployment, what: str, console: Console) -> str:
    """Let a held source back in, by its id or key, and train with it; the execution's ARN.

    Raises NotFound if it is not held, Unusable for a file that was rejected whole.
    """
    with in_plain_words(deployment.project):
        hold = find(in_force(deployment), what)
        if not hold.run and not hold.again:
            raise Unusable(f"{hold.source.key} cannot be used as it is: {hold.reason}. Mend it and drop it again.")
        # In this order: were the request first, a run in progress could answer it without the source.
        if hold.again == "read":
            # Nobody has seen its rows yet: Screen does.
            deployment.ledger.arrivals.forget(hold.source.key)
        else:
            deployment.ledger.vouch(hold.source.source)
        deployment.ledger.unhold(hold.source.source)
        execution = request_run(deployment, f"released {hold.source.key}")
    console.print(f"Released {hold.source.key}: it is part of the dataset again, and a run with it is on its way.")
    looks = "It is read once more" if hold.again == "read" else "Screen lets it pass now"
    console.print(f"{looks}; the gate judges as before. Follow it: mlops watch")
    return execution


def in_force(deployment: Deployment) -> dict[str, Hold]:
    """The holds by source id. One whose file was overwritten or deleted since has no effect any more."""
    s3 = deployment.client("s3")
    landed = listed(s3.get_paginator("list_objects_v2").paginate(Bucket=deployment.bucket, Prefix=layout.LANDING))
    return dataset.in_force(arrived(landed, deployment.ledger.arrivals.all()), deployment.ledger.held())


def find(held: dict[str, Hold], what: str) -> Hold:
    """The hold whose source id starts with, or whose key ends in, `what`. Raises NotFound, or Unusable for several."""
    if not what:
        raise Unusable("name a source by its id or its file. See: mlops held")
    found = [hold for source, hold in held.items() if source.startswith(what) or hold.source.key.endswith(f"/{what}")]
    found = found or [hold for hold in held.values() if hold.source.key == what]
    # As it is shown: a name that a terminal would obey can be typed back only so.
    found = found or [hold for hold in held.values() if f"/{printable(hold.source.key)}".endswith(f"/{what}")]
    if not found:
        raise NotFound(f"{what!r} is not held. See: mlops held")
    if len(found) > 1:
        raise Unusable(f"{what!r} fits several: {', '.join(hold.source.source for hold in found)}")
    return found[0]
