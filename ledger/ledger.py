"""The few facts that change: the claim, the champion, runs, conclusions, held sources, requests, the split epoch.

One DynamoDB table, keys `pk` (ledger/keys.py has them all, and who writes what) and `sk`. The table is handed in, so
nothing here knows where it lives. Every conditional write succeeds when it finds its own earlier write: a retry is the
same thing again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from domain.data.dataset import Hold
from domain.errors import RunMissing, Superseded
from domain.state import AWAITING, Judgement, Run, RunVerdict
from ledger import keys
from ledger.arrivals import Arrivals
from ledger.champions import AT_ONCE, Champions, held_item, run_item
from ledger.judgements import Judgements, item_of
from ledger.orders import Orders


class Ledger(Champions):
    """The facts, over a boto3 DynamoDB `Table`."""

    def __init__(self, table: Any) -> None:
        super().__init__(table)
        self.arrivals = Arrivals(self._items)
        self.judgements = Judgements(self._items)
        self.orders = Orders(self._items)

    # ---- runs and their conclusions ---------------------------------------------

    def start_run(self, run: Run) -> Run:
        """Record that an execution works on a run; the run with its attempt number.

        The attempt grows by one for each new execution. A retry within the same one finds the run as it left it.
        Raises Superseded if the run's execution does not hold the claim.
        """
        known = self.run(run.run)
        if known and known.execution == run.execution:
            return known
        fresh = replace(run, attempt=known.attempt + 1 if known else 1)
        self.record(run.execution, fresh)
        return fresh

    def record(self, owner: str, run: Run, judgement: Judgement | None = None, holds: Sequence[Hold] = ()) -> None:
        """Write what `owner` made of a run, how it judged it and what it holds for it, all while it has the claim.

        A function of an execution that was aborted goes on: it must not write over what its successor made of the run.
        Raises Superseded.
        """
        items = [run_item(run), *([item_of(judgement)] if judgement else []), *map(held_item, holds)]
        if not self._write_as(owner, *({"Put": {"TableName": self._table.name, "Item": item}} for item in items)):
            raise Superseded(f"{owner} lost the claim while it worked on run {run.run}")

    def save_run(self, run: Run) -> None:
        """Write a run's record, whoever has the claim."""
        self._table.put_item(Item=run_item(run))

    def take_up(self, run: Run, execution: str) -> bool:
        """Note that `execution` deploys a run that waits for approval; False if it does not wait any more."""
        item = run_item(replace(run, execution=execution, postponed=None))
        return self._items.put(item, "#verdict = :awaiting", {":awaiting": AWAITING}, {"#verdict": "verdict"})

    def run(self, run: str) -> Run | None:
        """A run's record."""
        item = self._items.get({"pk": keys.RUN, "sk": run})
        return Run.of(item) if item else None

    def require_run(self, run: str) -> Run:
        """A run's record. Raises RunMissing."""
        found = self.run(run)
        if found is None:
            raise RunMissing(f"run {run} is not in the ledger")
        return found

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        return sorted(map(Run.of, self._items.all(keys.RUN)), key=lambda run: run.started)

    def conclude(self, run: Run, owner: str | None = None, holds: Sequence[Hold] = ()) -> None:
        """Write how a run ended and close what it answers: its dataset is not pending any more, nor its requests.

        With an `owner`, only while that has the claim: a step whose execution was aborted would conclude what nobody
        tells of. What it holds is held in the same breath, as far as a transaction goes, the rest before.
        Raises Superseded, and LookupError for a run without a verdict.

        A dataset that is closed beside a later champion stays so: two models of it may wait for approval, and what is
        decided about the second, when the first is live, says nothing about that one. A run that could not carry out
        an order closes none: nothing was found about any data.
        """
        verdict = run.ending
        if owner is None:
            self.save_run(run)
        else:
            self._hold_as(owner, holds[AT_ONCE:])
            self.record(owner, run, holds=holds[:AT_ONCE])
        if not run.makes_live or verdict != "gave-up":
            self._close(run)
        if run.judged == "promote" and not run.awaits_approval:
            self.judgements.disapprove(run.run)
        if run.makes_live:
            self.orders.close(run.run)
        # Requests last, since they are part of the run's identity: killed before, the same run is made again.
        for request in run.requests:
            self._table.delete_item(Key={"pk": keys.REQUEST, "sk": request})

    def conclusion(self, dataset: str) -> RunVerdict | None:
        """The verdict that closed a dataset, or None while it is open.

        A verdict holds as long as the champion that it left, and on beside one that a person ordered in its place.
        Landing may come back to an earlier dataset, by a file that is withdrawn: what was promoted since was trained
        with that file, so the dataset is judged again.
        """
        item = self._items.get({"pk": keys.DATASET, "sk": dataset})
        if item is None:
            return None
        verdict: RunVerdict = item["verdict"]
        since, champion = self._verdicts_hold()
        # An earlier release did not note it.
        return verdict if since <= item.get("champion", champion) <= champion else None

    def count_failure(self, dataset: str, execution: str) -> int:
        """Failed attempts at a dataset so far beside today's champion, this execution's counted once."""
        response = self._table.update_item(
            Key={"pk": keys.FAILURES, "sk": f"{dataset}@{self._champion_version()}"},
            UpdateExpression="ADD executions :one",
            ExpressionAttributeValues={":one": {execution}},
            ReturnValues="ALL_NEW",
        )
        return len(response["Attributes"]["executions"])

    # ---- held sources, requests ---------------------------------------------------

    def hold(self, hold: Hold) -> None:
        """Set a source aside."""
        self._table.put_item(Item=held_item(hold))

    def unhold(self, source: str) -> None:
        """Let a held source back into the dataset."""
        self._table.delete_item(Key={"pk": keys.HELD, "sk": source})

    def vouch(self, source: str) -> None:
        """Note that a person has looked at a source: Screen does not hold it any more."""
        self._table.put_item(Item={"pk": keys.VOUCHED, "sk": source})

    def vouched(self) -> set[str]:
        """Sources that a person vouched for."""
        return {item["sk"] for item in self._items.all(keys.VOUCHED)}

    def held(self) -> dict[str, Hold]:
        """All held sources by source id."""
        return {item["sk"]: Hold.of(item) for item in self._items.all(keys.HELD)}

    def request(self, request: str, reason: str, now: str) -> None:
        """Ask for a run other than by a drop. Written before an execution is started, so it cannot be lost."""
        self._table.put_item(Item={"pk": keys.REQUEST, "sk": request, "reason": reason, "at": now})

    def requests(self) -> dict[str, str]:
        """Open requests: id to reason."""
        return {item["sk"]: item["reason"] for item in self._items.all(keys.REQUEST)}

    # ---- the split epoch, and markers -------------------------------------------------

    def freeze_epoch(self, epoch: int, frozen: dict[str, object]) -> dict[str, object]:
        """The settings that an epoch is bound to: those given at its first use."""
        return self._freeze(str(epoch), frozen)

    def freeze_schema(self, epoch: int, schema: dict[str, object]) -> dict[str, object]:
        """The columns that an epoch is bound to: those given at first."""
        return self._freeze(f"{epoch}/schema", schema)

    def schema(self, epoch: int) -> dict[str, object] | None:
        """The columns that an epoch is bound to, if that was left to its first file and there was one."""
        item = self._items.get({"pk": keys.EPOCH, "sk": f"{epoch}/schema"})
        return json.loads(item["frozen"]) if item else None

    def _freeze(self, name: str, given: dict[str, object]) -> dict[str, object]:
        key = {"pk": keys.EPOCH, "sk": name}
        if self._items.put({**key, "frozen": json.dumps(given, sort_keys=True)}, "attribute_not_exists(pk)"):
            return given
        bound: dict[str, object] = json.loads((self._items.get(key) or {})["frozen"])
        return bound

    def turn(self, marker: str, now: int, until: int) -> Literal["ours", "theirs", "done"]:
        """Whose turn it is to do what `marker` stands for: the caller's, until `until`; another's; or it is done.

        Times are epoch seconds. Whoever was killed within its turn has lost it when that is over.
        """
        free = "attribute_not_exists(pk) OR #until < :now"
        item = {"pk": keys.MARKER, "sk": marker, "until": until}
        if self._items.put(item, free, {":now": now}, {"#until": "until"}):
            return "ours"
        return "theirs" if "until" in (self._items.get({"pk": keys.MARKER, "sk": marker}) or {}) else "done"

    def is_marked(self, marker: str) -> bool:
        """Whether `marker` is set."""
        return self._items.get({"pk": keys.MARKER, "sk": marker}) is not None

    def mark(self, marker: str, expires: int) -> None:
        """Note that what `marker` stands for is done; `expires` is the epoch second at which it may be forgotten."""
        self._table.put_item(Item={"pk": keys.MARKER, "sk": marker, "expires": expires})

    # ---- plumbing ---------------------------------------------------------------------

    def _close(self, run: Run) -> None:
        beside = self._concluded_beside(run)
        self._items.put(
            {"pk": keys.DATASET, "sk": run.closes, "verdict": run.ending, "run": run.run, "champion": beside},
            "attribute_not_exists(champion) OR champion <= :beside",
            {":beside": beside},
        )

    def _concluded_beside(self, run: Run) -> int:
        """The version of the champion that a verdict is about: the one judged against, or the run's once it is."""
        champion = self.champion()
        if run.verdict in ("promote", "restored") and champion and champion.run == run.model:
            return champion.version
        # What was judged was judged beside one champion, which may have been replaced before a person decided.
        return run.champion_version if run.judged else champion.version if champion else 0
