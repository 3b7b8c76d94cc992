"""The champion: which model is live, those that were, and beside which of them a verdict holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from domain.data.dataset import Hold
from domain.errors import Superseded
from domain.state import Champion, Judgement, Order, Run
from ledger import keys
from ledger.claims import Claims

_CHAMPION: Final = {"pk": keys.CHAMPION, "sk": keys.CHAMPION}
# Models that were live before the champion and can be live again: their configs and artifacts are kept.
_KEPT_BEFORE: Final = 2
# A transaction takes 100 writes (DynamoDB API, TransactWriteItems); two are the claim's check and the run.
AT_ONCE: Final = 98
# The same of a promotion, which also writes the champion, the one before it, and the anchor.
_BESIDE_A_PROMOTION: Final = 95


class Champions(Claims):
    """What is promoted, over a boto3 DynamoDB `Table`. It moves only while the claim is held."""

    def champion(self) -> Champion | None:
        """The promoted model, or None before the first promotion."""
        item = self._items.get(_CHAMPION)
        return Champion.of(item) if item else None

    def anchor(self, epoch: int) -> Champion | None:
        """The first model promoted in an epoch, which the sum of all later changes is measured against."""
        item = self._items.get({"pk": keys.ANCHOR, "sk": str(epoch)})
        return Champion.of(item["first"]) if item else None

    def anchors(self) -> list[Champion]:
        """The anchors of all epochs."""
        return [Champion.of(item["first"]) for item in self._items.all(keys.ANCHOR)]

    def formers(self) -> list[Champion]:
        """The models that were live before the champion and are kept, newest first, each as it was left.

        One that left before this was noted is missing.
        """
        champion = self.champion()
        found = (self.former(run) for run in champion.before) if champion else ()
        return [former for former in found if former]

    def former(self, run: str) -> Champion | None:
        """The model of a run as it was when it last ceased to be the champion, or None."""
        item = self._items.get({"pk": keys.CHAMPION, "sk": run})
        return Champion.of(item) if item else None

    def promote(
        self, owner: str, judgement: Judgement, now: str, run: Run | None = None, *, order: Order | None = None
    ) -> None:
        """Make the model that was judged the champion, and write its `run`, if given, in the same breath.

        Only while `owner` has the claim and the champion is still the one that it was judged beside; raises Superseded
        otherwise. Nothing happens if it is the champion. What an `order` holds is held in the same breath, as far as a
        transaction goes, the rest after it.

        After an order every verdict that held before it goes on to hold: nothing that was decided is decided anew, and
        so the model that a person went back from does not come back by itself.
        """
        holds = order.holds if order else ()
        if not _is(self.champion(), judgement):
            self._move_champion(owner, judgement, now, run, order)
        self._hold_as(owner, holds[_BESIDE_A_PROMOTION:])

    def _move_champion(self, owner: str, judgement: Judgement, now: str, run: Run | None, order: Order | None) -> None:
        champion, version = self.champion(), judgement.champion_version + 1
        new = {
            "run": judgement.run,
            "dataset": judgement.dataset,
            "epoch": judgement.epoch,
            "seal": asdict(judgement.seal),
            "version": version,
            "promoted_at": now,
            "before": _before(champion, judgement.run),
        }
        table = self._table.name
        put_champion = {
            "TableName": table,
            "Item": {**_CHAMPION, **new, "verdicts_since": self._verdicts_hold()[0] if order else version},
            "ConditionExpression": "attribute_not_exists(pk) OR #version = :judged",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":judged": judgement.champion_version},
        }
        set_anchor = {
            "TableName": table,
            "Key": {"pk": keys.ANCHOR, "sk": str(judgement.epoch)},
            "UpdateExpression": "SET #first = if_not_exists(#first, :new)",
            "ExpressionAttributeNames": {"#first": "first"},
            "ExpressionAttributeValues": {":new": new},
        }
        went_back = order is not None and order.kind == "rollback"
        items = [
            *([_former(champion, left=went_back)] if champion else []),
            *([run_item(run)] if run else []),
            *map(held_item, order.holds[:_BESIDE_A_PROMOTION] if order else ()),
        ]
        puts = [{"Put": {"TableName": table, "Item": item}} for item in items]
        # If it is this model, then the first try was carried out and its answer was lost.
        promoted = self._write_as(owner, {"Put": put_champion}, {"Update": set_anchor}, *puts)
        if not promoted and not _is(self.champion(), judgement):
            raise Superseded("the champion moved, or the claim was lost, since this run was judged")

    def _hold_as(self, owner: str, holds: Sequence[Hold]) -> None:
        for start in range(0, len(holds), AT_ONCE):
            items = map(held_item, holds[start : start + AT_ONCE])
            if not self._write_as(owner, *({"Put": {"TableName": self._table.name, "Item": item}} for item in items)):
                raise Superseded(f"{owner} lost the claim while it held files")

    def _champion_version(self) -> int:
        return self._verdicts_hold()[1]

    def _verdicts_hold(self) -> tuple[int, int]:
        """The versions of the champion, from the earliest to today's, beside which a verdict was found that holds.

        It is today's alone, unless a person ordered it; 0 without a champion.
        """
        # An earlier release knew of no orders.
        item = {"version": 0, **(self._items.get(_CHAMPION) or {})}
        return int(item.get("verdicts_since", item["version"])), int(item["version"])


def run_item(run: Run) -> dict[str, Any]:
    """A run as the ledger's item."""
    return {"pk": keys.RUN, "sk": run.run, **asdict(run), "requests": list(run.requests)}


def _former(champion: Champion, *, left: bool) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(champion).items() if value is not None}
    return {"pk": keys.CHAMPION, "sk": champion.run, **fields, "before": [], "left": left}


def held_item(hold: Hold) -> dict[str, Any]:
    """What is set aside, as the ledger's item."""
    return {"pk": keys.HELD, "sk": hold.source.source, **asdict(hold)}


def _is(champion: Champion | None, judgement: Judgement) -> bool:
    """Whether the champion is the very model that was judged."""
    return champion is not None and (champion.run, champion.seal) == (judgement.run, judgement.seal)


def _before(champion: Champion | None, run: str) -> list[str]:
    """The runs that stay beside `run`, which is promoted in place of `champion`."""
    runs = [champion.run, *champion.before] if champion else []
    return [earlier for earlier in runs if earlier != run][:_KEPT_BEFORE]
