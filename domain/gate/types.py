"""What the gate is given and what it says: judged rows in, scores, rules and a decision out.

Types alone: functions whose package has no numpy read and write decisions, too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

Verdict = Literal["promote", "keep", "reject"]


@dataclass(frozen=True)
class JudgedRow:
    """One held-out row: the label it is judged by and what each model answered (`None`: there is no champion).

    `held_out_before` says that the champion's own version held this row out already; its label and slice are then those
    it had there, so that a drop cannot rewrite the test it is judged by. `anchor` is what the first champion of the
    epoch answered, where it was asked. `slice` is the value of the slice column, None if the row has none.
    """

    id: str
    label: str
    candidate: str
    champion: str | None
    held_out_before: bool
    anchor: str | None = None
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
    """Scores of one model on n rows. `macro_f1` is the mean F1 over labels with enough rows."""

    rows: int
    accuracy: float
    macro_f1: float
    labels: tuple[LabelScore, ...]
    left_out: tuple[str, ...]

    def brief(self) -> dict[str, float | int]:
        """The headline numbers, JSON-ready."""
        return {"rows": self.rows, "accuracy": round(self.accuracy, 6), "macro_f1": round(self.macro_f1, 6)}


@dataclass(frozen=True)
class Rule:
    """One rule's outcome. `verdict` is what a failing rule asks for; `inputs` are the numbers it looked at."""

    name: str
    passed: bool
    verdict: Verdict
    sentence: str
    inputs: dict[str, float | int]


@dataclass(frozen=True)
class Decision:
    """What the gate says, and why. `champion` is None where there is no champion of the same epoch.

    `intervals` are 95% intervals by model and metric, `confusion` counts (label, answer, rows) by model; all rows.
    """

    verdict: Verdict
    sentence: str
    rules: tuple[Rule, ...]
    candidate: Scores
    champion: Scores | None
    fresh: Scores | None
    intervals: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    confusion: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """JSON-ready form, as it stands in the receipt."""
        return asdict(self)
