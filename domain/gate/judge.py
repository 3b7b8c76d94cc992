"""What the gate asks of a kind of task: what its measures are on some rows, and what chance could have made of them.

The rules (`domain/gate/rules.py`) are the same for all kinds, which are `classification.py` and `regression.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from domain.gate.types import JudgedRow, Residuals, Scores
from domain.measures import Measure

if TYPE_CHECKING:
    from domain.settings import Kind

# Promoting needs 95% confidence that nothing was lost beyond the margin; holding a person's data needs 99% that
# something was.
CONFIDENCE, CONFIDENCE_OF_HARM = 0.95, 0.99


class Kept(NamedTuple):
    """Of the `rows` that the champion has right, the candidate has `kept` right; `right` says what that means."""

    rows: int
    kept: int
    right: str


class GroupLoss(NamedTuple):
    """What the candidate lost on one label or slice: a share, its p-value if neither model is worse, and in words."""

    share: float
    p: float
    said: str


class Study(ABC):
    """What chance could have made of the models' measures, on one set of rows."""

    @abstractmethod
    def bounds(self, measure: Measure) -> tuple[float, float]:
        """Between what the candidate's difference to the champion is: surely above, and surely below.

        The first holds with CONFIDENCE, the second with CONFIDENCE_OF_HARM. Differences are as `Judge.difference`.
        """

    @abstractmethod
    def intervals(self) -> dict[str, dict[str, tuple[float, float]]]:
        """95% intervals by model and by the measure's name."""

    @abstractmethod
    def confusion(self) -> dict[str, list[tuple[str, str, int]]]:
        """(label, answer, rows) by model; {} where there are no labels."""

    @abstractmethod
    def residuals(self) -> dict[str, Residuals]:
        """How far off the models' answers are; {} where they are labels."""


class Judge(ABC):
    """How models of one kind of task are judged. `baseline` says what is answered always, to be beaten."""

    kind: Kind
    measures: tuple[Measure, ...]
    baseline: str

    @abstractmethod
    def scores(self, rows: Sequence[JudgedRow], who: str) -> Scores:
        """Scores of "candidate", "champion" or "anchor" on rows (n ≥ 1) that it answered."""

    @abstractmethod
    def baseline_scores(self, rows: Sequence[JudgedRow]) -> Scores:
        """What always giving the same answer would score; of each measure the answer that is best for it."""

    @abstractmethod
    def difference(self, measure: Measure, new: Scores, old: Scores) -> float:
        """By how much `new` is better than `old`; negative: worse. In the unit of the margins in the settings."""

    @abstractmethod
    def study(self, rows: Sequence[JudgedRow], models: Sequence[str], seed: str) -> Study:
        """The study of `models` ("candidate", "champion") on rows (n ≥ 1) that they answered."""

    @abstractmethod
    def kept(self, rows: Sequence[JudgedRow]) -> Kept:
        """What the candidate kept of what the champion has right."""

    @abstractmethod
    def group_loss(self, rows: Sequence[JudgedRow]) -> GroupLoss:
        """What the candidate lost against the champion on the rows of one group."""

    @abstractmethod
    def groups(self, rows: Sequence[JudgedRow]) -> dict[str, dict[str, list[JudgedRow]]]:
        """The rows by "label" or "slice", and by its name: what is judged by itself."""

    @abstractmethod
    def moved(self, difference: float) -> str:
        """A difference as a sentence has it."""

    @abstractmethod
    def surely(self, low: float, high: float, *, harm: bool) -> str:
        """A study's bounds as a sentence has them: the second if it is `harm`, else the first."""


def by(rows: Sequence[JudgedRow], key: Callable[[JudgedRow], str]) -> dict[str, list[JudgedRow]]:
    """The rows by their key."""
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def slices(rows: Sequence[JudgedRow]) -> dict[str, dict[str, list[JudgedRow]]]:
    """{"slice": rows by the slice's name}, of rows that have one; {} without any."""
    sliced = [row for row in rows if row.slice is not None]
    return {"slice": by(sliced, lambda row: str(row.slice))} if sliced else {}
