"""What a reshuffle of growing data does to the champion's score, on real reviews: the first part of `docs/data.md`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from statistics import fmean
from typing import Any, Final

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from domain.data.records import row_id
from domain.data.settings import DataSettings
from domain.data.splits import split_of
from domain.gate import decision as gate
from domain.gate.types import JudgedRow
from domain.settings import GateSettings
from ops.reviews import Review, rotten_tomatoes

OLD, ALL, SEEDS = 3_000, 6_000, 10
_DATA: Final = DataSettings()
# Absolute scores are out of the way: what is compared is the comparison.
_POLICY: Final = GateSettings(min_accuracy=0, min_macro_f1=0)
_HEAD: Final = """\
## Why splits follow from the rows' ids

The movie reviews of the demo; {seeds} times, {old:,} of them are the data at first and {all:,} after it has grown. A
champion is trained on the first, a candidate on the second (TF-IDF and logistic regression, which stands in for the
model because it trains in a second), and both are scored on the grown data's test rows. *Reshuffled*: at each growth
all rows are shuffled with a seed and cut 80/10/10, as `train_test_split(random_state=…)` does. *By id*: our splits.
What both models are really worth is their accuracy on {rest:,} reviews that neither split ever saw. Means of {seeds}
times.

| | reshuffled | by id |
|---|---|---|
"""
_TAIL: Final = """
The champion has learned the answers to the rows that leaked, so a better model looks worse than the one it should
replace. Its accuracy by id differs from the true one by chance alone.
"""

Split = Callable[[Sequence[Review], int], dict[str, list[Review]]]


@dataclass(frozen=True)
class Outcome:
    """One growth: accuracies are shares of rows; `leaked` is the share of test rows the champion was trained on."""

    leaked: float
    champion: float
    champion_truly: float
    candidate: float
    candidate_truly: float
    promoted: bool

    @property
    def wrong(self) -> bool:
        """Whether the test set says the other of the two models is the better one."""
        return (self.candidate > self.champion) != (self.candidate_truly > self.champion_truly)


def reshuffled(rows: Sequence[Review], seed: int) -> dict[str, list[Review]]:
    """A seeded shuffle, cut 80/10/10."""
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    tenth = len(rows) // 10
    return {"test": shuffled[:tenth], "validation": shuffled[tenth : 2 * tenth], "train": shuffled[2 * tenth :]}


def by_id(rows: Sequence[Review], _seed: int) -> dict[str, list[Review]]:
    """The splits of the record contract."""
    splits: dict[str, list[Review]] = {"test": [], "validation": [], "train": []}
    for review in rows:
        splits[split_of(row_id({"text": review[0]}), _DATA.test_percent, _DATA.validation_percent)].append(review)
    return splits


def grow(reviews: Sequence[Review], split: Split, seed: int) -> Outcome:
    """One champion, one growth, one candidate, judged."""
    drawn = list(reviews)
    random.Random(1_000 + seed).shuffle(drawn)
    reserve = drawn[ALL:]
    before, after = split(drawn[:OLD], seed), split(drawn[:ALL], seed)
    champion, candidate = _trained(before["train"]), _trained(after["train"])
    test = after["test"]
    answers = list(zip(test, _answers(candidate, test), _answers(champion, test), strict=True))
    known = {*before["test"]}
    judged = [JudgedRow(text, label, new, old, (text, label) in known) for (text, label), new, old in answers]
    learned = {*before["train"]}
    return Outcome(
        leaked=fmean(review in learned for review in test),
        champion=fmean(row.label == row.champion for row in judged),
        champion_truly=_accuracy(champion, reserve),
        candidate=fmean(row.label == row.candidate for row in judged),
        candidate_truly=_accuracy(candidate, reserve),
        promoted=gate.decide(judged, _POLICY, seed=str(seed)).verdict == "promote",
    )


def section() -> str:
    """This part of the page, in Markdown."""
    reviews = rotten_tomatoes()
    with ProcessPoolExecutor() as pool:
        columns = [list(pool.map(grow, repeat(reviews), repeat(split), range(SEEDS))) for split in (reshuffled, by_id)]

    def line(name: str, value: Callable[[Outcome], float], form: str = ".1%") -> str:
        return f"| {name} | {' | '.join(format(fmean(map(value, column)), form) for column in columns)} |"

    lines = [
        line("test rows that the champion was trained on", lambda one: one.leaked),
        line("the champion's accuracy on the test rows", lambda one: one.champion),
        line("… in truth", lambda one: one.champion_truly),
        line("the candidate's accuracy on the test rows", lambda one: one.candidate),
        line("… in truth", lambda one: one.candidate_truly),
        line("the champion's score is inflated by", lambda one: one.champion - one.champion_truly, "+.1%"),
        line("the test rows name the wrong model as the better one", lambda one: float(one.wrong), ".0%"),
        line("the gate promotes the candidate", lambda one: float(one.promoted), ".0%"),
    ]
    head = _HEAD.format(seeds=SEEDS, old=OLD, all=ALL, rest=len(reviews) - ALL)
    return head + "\n".join(lines) + "\n" + _TAIL


def _trained(rows: Sequence[Review]) -> Any:
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1_000))
    return model.fit([text for text, _ in rows], [label for _, label in rows])


def _answers(model: Any, rows: Sequence[Review]) -> list[str]:
    return [str(label) for label in model.predict([text for text, _ in rows])]


def _accuracy(model: Any, rows: Sequence[Review]) -> float:
    return fmean(label == answer for (_, label), answer in zip(rows, _answers(model, rows), strict=True))
