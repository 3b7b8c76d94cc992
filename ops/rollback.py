"""`mlops rollback`: back to a model that was live before, and what can be gone back to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from domain import layout
from domain.data.dataset import Hold, Source, holds_beyond, listed
from domain.measures import Measure
from domain.state import Champion
from ledger.arrivals import arrived
from ops import orders, receipts
from ops.console import make_table, moment
from ops.deployment import Deployment
from ops.errors import NotFound, Unusable, in_plain_words
from ops.runs import measured

Receipt = receipts.Receipt
# An item of DynamoDB ends at 400 KB (its guide, "Quotas"), where a number or a name may take more room than in JSON.
_MOST_HELD_BYTES: Final = 250_000


def rollback(deployment: Deployment, to: str | None, reason: str, console: Console, *, hold: bool) -> str:
    """Order that a former model goes live again; the execution's ARN.

    It is that of the run whose id starts with `to`, or else the newest that nobody went back from. With `hold` the
    files that it was not trained with are held, too. Raises NotFound, and Unusable for one that cannot be gone back to.
    """
    with in_plain_words(deployment.project):
        champion, order = _live(deployment), orders.new_id()
        model = choose(champion, deployment.ledger.formers(), to)
        holds = _beyond(deployment, model, order) if hold else []
        console.print(f"Going back from run {champion.run} to run {model.run}.")
        for one in holds:
            console.print(f"  held with it: {one.source.key}")
        return orders.give(
            deployment, "rollback", model.run, reason, console, champion=champion, order=order, holds=holds
        )


def choose(champion: Champion, formers: Sequence[Champion], to: str | None) -> Champion:
    """The former model that is meant; `formers` are newest first. Raises NotFound, Unusable."""
    if not to:
        able = [model for model in formers if not model.left and not unfit(model, champion)]
        if not able:
            raise NotFound("There is no model before this one to go back to. See: mlops rollback --list")
        return able[0]
    found = [model for model in formers if model.run.startswith(to)]
    if not found and champion.run.startswith(to):
        raise Unusable(f"run {champion.run} is what is live")
    if len(found) != 1:
        raise NotFound(f"{len(found)} models that can be gone back to start with {to!r}. See: mlops rollback --list")
    why = unfit(found[0], champion)
    if why:
        raise Unusable(f"run {found[0].run} cannot be gone back to: {why}")
    return found[0]


def unfit(model: Champion, champion: Champion) -> str | None:
    """Why a former model cannot be gone back to; None if it can."""
    if model.epoch != champion.epoch:
        return f"it is of epoch {model.epoch}, and what is live of epoch {champion.epoch}"
    return None if model.seal else "an earlier release promoted it, and noted no checksum"


def table(deployment: Deployment) -> Table:
    """What is live and what can be gone back to, newest first, each with its scores in the newest receipt that has any.

    A model of another epoch is listed without scores: it was held out from other rows. Raises NotFound if none is live.
    """
    with in_plain_words(deployment.project):
        champion = _live(deployment)
        models = [champion, *deployment.ledger.formers()]
        judged = [receipt for run in deployment.ledger.runs() if (receipt := receipts.read(deployment, run))]
    told = sorted(judged, key=lambda receipt: str(receipt["judged"]), reverse=True)
    scored = {model.run: scores_of(model.run, told) for model in models if model.epoch == champion.epoch}
    measures = measured([found[0] for found in scored.values() if found])
    names = [measure.name for measure in measures]
    columns = ("run", "live from\n(UTC)", "epoch", *names, "judged\n(UTC)", "on rows", "note")
    shown = make_table(*columns, right=(*names, "on rows"))
    for model in models:
        cells = _scores(scored.get(model.run), measures)
        shown.add_row(model.run, moment(model.promoted_at), str(model.epoch), *cells, _note(model, champion))
    return shown


def scores_of(run: str, told: Sequence[Receipt]) -> tuple[Receipt, dict[str, Any]] | None:
    """The first receipt that has scores of a run's model, as candidate or as champion, and those scores."""
    for receipt in told:
        if receipt["run"] == run:
            return receipt, receipt["gate"]["candidate"]
        champion, scores = receipt["champion"], receipt["gate"]["champion"]
        if champion and scores and champion["run"] == run:
            return receipt, scores
    return None


def _live(deployment: Deployment) -> Champion:
    champion = deployment.ledger.champion()
    if champion is None:
        raise NotFound("No model is live, so there is none to go back from. Drop a file: mlops drop reviews.csv")
    return champion


def _beyond(deployment: Deployment, model: Champion, order: str) -> list[Hold]:
    """What to hold: every landed file that a former model was trained without. Raises NotFound, Unusable."""
    receipt = deployment.read_json(layout.run_file(model.run, "receipt.json"))
    if receipt is None:
        raise NotFound(f"run {model.run} has no receipt, so nobody knows which files it was trained with")
    names = ("source", "key", "etag", "last_modified")
    accepted = [Source(**{name: one[name] for name in names}) for one in receipt["data"]["sources"]]
    pages = deployment.client("s3").get_paginator("list_objects_v2")
    there = listed(pages.paginate(Bucket=deployment.bucket, Prefix=layout.LANDING))
    landed = arrived(there, deployment.ledger.arrivals.all())
    why = f"a person went back to the model of run {model.run}, which was trained without it"
    holds = holds_beyond(order, why, model.epoch, landed, deployment.ledger.held(), accepted)
    if len(json.dumps([asdict(hold) for hold in holds])) > _MOST_HELD_BYTES:
        raise Unusable(
            f"{len(holds):,} files would be held, more than one order can name. Go back without --hold, then withdraw "
            "the files that did it: mlops withdraw FILE"
        )
    return holds


def _scores(found: tuple[Receipt, dict[str, Any]] | None, measures: Sequence[Measure]) -> list[str]:
    """The cells of a model's scores, when it was judged and on how many rows; "-" for what there is none of."""
    if found is None:
        return ["-" for _ in (*measures, "judged", "on rows")]
    receipt, scores = found
    shown = [measure.shown(scores[measure.key], 3) if measure.key in scores else "-" for measure in measures]
    return [*shown, moment(receipt["judged"]), f"{scores['rows']:,}"]


def _note(model: Champion, champion: Champion) -> str:
    if model.run == champion.run:
        return "live"
    why = unfit(model, champion)
    if why:
        return f"cannot be gone back to: {why}"
    return "a person went back from it" if model.left else ""
