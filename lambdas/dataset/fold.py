"""How many rows count: of rows with the same id only the last one does, in the last file that has it.

A dataset may have more rows than fit in memory. So it is not folded as a whole: rows that may count are picked from
the newest source backwards, a few more than are needed, and it is looked up whether a later row has the last word on
them. Mostly the newest parts tell, and the others are not read.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import tasks
from domain import layout
from domain.data.dataset import Source
from domain.data.vocabulary import counted_as
from lambdas.dataset.parts import Report
from lambdas.environment import Environment
from lambdas.storage import read_lines, read_text_lines

# So many picked rows fit in memory. A label of whose newest half million none counts is taken to have none.
_MOST_PICKED: Final = 500_000


class Fold:
    """The rows of `sources`, in fold order; `reports` are theirs, by source id."""

    def __init__(self, env: Environment, sources: Sequence[Source], reports: Mapping[str, Report]) -> None:
        self.env, self.sources, self.reports = env, sources, reports
        self.kind = tasks.kind(env.settings.task)

    def count(self, split: str, kinds: Mapping[str, str], least: int) -> dict[str, int]:
        """How many rows of each kind count in a split: exactly, or at least `least`; `kinds` maps labels to kinds."""
        counted, most = dict.fromkeys(kinds.values(), 0), 2 * least + 8
        open_kinds = set(counted)
        while open_kinds:
            picked = _Picked(self, split, {label: kind for label, kind in kinds.items() if kind in open_kinds}, most)
            counts = picked.standing(kinds)
            counted |= {kind: counts[kind] for kind in open_kinds}
            if most * len(open_kinds) >= _MOST_PICKED:
                break
            open_kinds = {kind for kind in picked.cut if counted[kind] < least}
            most = min(16 * most, _MOST_PICKED)
        return counted

    def of_split(self, split: str) -> list[tuple[int, Source]]:
        """The sources that have rows of a split, each with its place."""
        return [one for one in enumerate(self.sources) if self.reports[one[1].source].rows[split]]

    def labels(self, split: str, source: Source) -> list[str]:
        """The labels that a source has in a split."""
        return [label for label, counts in self.reports[source.source].labels.items() if counts.get(split)]

    def label(self, row: Mapping[str, Any]) -> str:
        """What a row is counted by."""
        return counted_as(row["label"], self.kind)

    def rows(self, split: str, source: Source) -> Iterator[dict[str, Any]]:
        """The rows of a part, as they are stored."""
        return read_lines(self.env, layout.part(self.env.settings.data.epoch, split, source.source))

    def leave_out(self, split: str, last: dict[str, str | None]) -> None:
        """Take out of `last`, which is keyed by id, what training leaves out since it is held out or validates.

        Splits follow from the group where there is one: the same text under two groups can stand on both sides.
        """
        data = self.env.settings.data
        if data.group is None or split == "test":
            return
        for _, source in self.of_split("test"):
            for identity in read_text_lines(self.env, layout.test_ids(data.epoch, source.source)):
                last.pop(identity, None)
        for _, source in self.of_split("validation") if split == "train" else ():
            for row in self.rows("validation", source):
                last.pop(row["id"], None)


class _Picked:
    """Up to `most` rows of each kind from as few of the newest sources as have them; `cut` are kinds with more."""

    def __init__(self, fold: Fold, split: str, kinds: Mapping[str, str], most: int) -> None:
        self._fold, self._split, self._most = fold, split, most
        self._place: dict[str, int] = {}
        self._kind: dict[str, str] = {}
        self.cut: set[str] = set()
        picked, full = Counter[str](), set[str]()
        for place, source in reversed(fold.of_split(split)):
            here = {label: kinds[label] for label in fold.labels(split, source) if label in kinds}
            self.cut |= full & set(here.values())
            wanted = {label: kind for label, kind in here.items() if kind not in full}
            for row, kind in self._newest(source, wanted).items() if wanted else ():
                if row not in self._kind:
                    self._kind[row], self._place[row] = kind, place
                    picked[kind] += 1
            full = {kind for kind, rows in picked.items() if rows >= most}

    def _newest(self, source: Source, kinds: Mapping[str, str]) -> dict[str, str]:
        """The newest rows of each kind in one part that no later row of it has the last word on: kind by id."""
        newest: dict[str, OrderedDict[str, None]] = defaultdict(OrderedDict)
        found: dict[str, str] = {}
        for row in self._fold.rows(self._split, source):
            known = found.pop(row["id"], None)
            if known is not None:
                del newest[known][row["id"]]
            kind = kinds.get(self._fold.label(row))
            if kind is not None:
                found[row["id"]] = kind
                newest[kind][row["id"]] = None
                if len(newest[kind]) > self._most:
                    oldest, _ = newest[kind].popitem(last=False)
                    del found[oldest]
                    self.cut.add(kind)
        return found

    def standing(self, kinds: Mapping[str, str]) -> Counter[str | None]:
        """How many of the picked rows are of each kind once the later sources had their say."""
        last: dict[str, str | None] = {**self._kind}
        first = min(self._place.values(), default=0)
        for place, source in self._fold.of_split(self._split):
            if place <= first:
                continue
            for row in self._fold.rows(self._split, source):
                if self._place.get(row["id"], place) < place:
                    last[row["id"]] = kinds.get(self._fold.label(row))
        self._fold.leave_out(self._split, last)
        return Counter(last.values())
