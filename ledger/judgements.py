"""Judgements, and what else decides about what may be served: a person's approval, an old champion's adoption."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from domain.state import Approval, Champion, Judgement, Seal
from ledger.items import Items
from ledger.keys import ADOPTION, APPROVAL, JUDGEMENT


class Judgements:
    """What was found about archives, over the ledger's items. `ledger/keys.py` says who may write which."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def of(self, run: str) -> Judgement | None:
        """The newest judgement of a run, or None if it was never judged (or by an earlier release)."""
        item = self._items.get({"pk": JUDGEMENT, "sk": run})
        return Judgement.of(item) if item else None

    def all(self) -> list[Judgement]:
        """The judgements of all runs."""
        return [Judgement.of(item) for item in self._items.all(JUDGEMENT)]

    # ---- a person's yes ---------------------------------------------------------------

    def approve(self, approval: Approval, now: str) -> None:
        """Note that a person approved a version. Written before an execution is started, so it cannot be lost."""
        self._items.write({"pk": APPROVAL, "sk": approval.run, **asdict(approval), "at": now})

    def approval(self, judgement: Judgement) -> Approval | None:
        """A person's yes to exactly what was judged, or None: a yes to an earlier judgement of the run is none."""
        if judgement.package is None:
            return None
        wanted = Approval(judgement.run, judgement.package, judgement.seal.archive)
        item = self._items.get({"pk": APPROVAL, "sk": judgement.run}) or {}
        # An earlier release did not note what was approved.
        return wanted if (item.get("package"), item.get("archive")) == (wanted.package, wanted.archive) else None

    def approved(self) -> list[str]:
        """Runs that a person said yes to, and that were not concluded since."""
        return [item["sk"] for item in self._items.all(APPROVAL)]

    def disapprove(self, run: str) -> None:
        """Forget a person's yes, if there is one: the run is concluded."""
        self._items.delete({"pk": APPROVAL, "sk": run})

    # ---- champions of earlier releases --------------------------------------------------

    def adopt(self, champion: Champion, seal: Seal, now: str) -> None:
        """Note which archive a champion is that an earlier release promoted. The first one noted stays."""
        item = {"pk": ADOPTION, "sk": champion.run, "artifact": champion.artifact, "seal": asdict(seal), "at": now}
        self._items.put(item, "attribute_not_exists(pk)")

    def seal(self, champion: Champion) -> Seal | None:
        """Which archive a champion is: by its promotion, or its adoption; None for an old one not adopted yet."""
        if champion.seal:
            return champion.seal
        item = self._items.get({"pk": ADOPTION, "sk": champion.run})
        return Seal(**item["seal"]) if item and item["artifact"] == champion.artifact else None

    def adopted(self) -> dict[str, Seal]:
        """The archives of all adopted champions by run."""
        return {item["sk"]: Seal(**item["seal"]) for item in self._items.all(ADOPTION)}


def item_of(judgement: Judgement) -> dict[str, Any]:
    """A judgement as the ledger's item, which only Evaluate may write."""
    return {"pk": JUDGEMENT, "sk": judgement.run, **asdict(judgement)}
