"""What the gate is given and what it says: judged rows in, scores, rules and a decision out.

Types alone: functions whose package has no numpy read and write decisions, too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

from domain.measures import BY_KEY

Verdict = Literal["promote", "keep", "reject"]
# A label in classification, a number in regression.
Value = str | float


@dataclass(frozen=True)
class JudgedRow:
    """One held-out row: its truth, called label, and what each model answered (`None`: there is no champion).

    `held_out_before` says that the champion's own version held this row out already; its label and slice are then those
    it had there, so that a drop cannot rewrite the test it is judged by. `anchor` is what the first champion of the
    epoch answered, where it was asked. `slice` is the value of the slice column, None if the row has none.
    """

    id: str
    label: Value
    candidate: Value
    champion: Value | None
    held_out_before: bool
    anchor: Value | None = None
    slice: str | None = None


@dataclass(frozen=True)
class LabelScore:
    """One label's scores; `support` is its number of rows."""

    label: str
    support: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Scores:
    """Scores of one model on n rows. `values` are by the key of the measure, such as "macro_f1".

    Macro-F1 is the mean F1 over labels with enough rows. Regression has no `labels`, and so leaves none out.
    """

    rows: int
    values: dict[str, float]
    labels: tuple[LabelScore, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        """Of classification. Raises KeyError for regression."""
        return self.values["accuracy"]

    @property
    def macro_f1(self) -> float:
        """Of classification. Raises KeyError for regression."""
        return self.values["macro_f1"]

    def brief(self) -> dict[str, float | int]:
        """The headline numbers, JSON-ready."""
        return {"rows": self.rows, **{key: BY_KEY[key].rounded(value) for key, value in self.values.items()}}

    def to_json(self) -> dict[str, object]:
        """JSON-ready form: each measure's value stands under its key."""
        labels = [asdict(label) for label in self.labels]
        return {"rows": self.rows, **self.values, "labels": labels, "left_out": list(self.left_out)}


@dataclass(frozen=True)
class Rule:
    """One rule's outcome. `verdict` is what a failing rule asks for; `inputs` are the numbers it looked at."""

    name: str
    passed: bool
    verdict: Verdict
    sentence: str
    inputs: dict[str, float | int]


@dataclass(frozen=True)
class Residuals:
    """Answer minus truth, in the target's unit, on all rows.

    `mean` is above 0 for answers that are too high as a whole. Half of the answers are off by at most `median`, 95% by
    at most `most`. `counts` are (from, to, rows) from the lowest to the highest, of the same widths for all models; the
    first and the last one take what lies beyond, too.
    """

    mean: float
    median: float
    most: float
    counts: list[tuple[float, float, int]]


@dataclass(frozen=True)
class Decision:
    """What the gate says, and why. `champion` is None where there is no champion of the same epoch.

    `intervals` are 95% intervals by model and measure, of all rows. So is `confusion`: (label, answer, rows) by model,
    of classification alone; and `residuals` by model, of regression alone.
    """

    verdict: Verdict
    sentence: str
    rules: tuple[Rule, ...]
    candidate: Scores
    champion: Scores | None
    fresh: Scores | None
    intervals: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    confusion: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    residuals: dict[str, Residuals] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """JSON-ready form, as it stands in the receipt."""
        scores = {"candidate": self.candidate, "champion": self.champion, "fresh": self.fresh}
        told = {**asdict(self), **{name: found and found.to_json() for name, found in scores.items()}}
        # A decision on labels stays byte for byte what receipts have of earlier ones.
        if not self.residuals:
            del told["residuals"]
        return told
