"""Classification: accuracy and macro-F1, in points, bounded by a paired bootstrap; each label and slice by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.gate.judge import CONFIDENCE, CONFIDENCE_OF_HARM, GroupLoss, Judge, Kept, Study, by, slices
from domain.gate.scores import confusion, majority_label, score
from domain.gate.statistics import Draws, bootstrap, interval, mcnemar
from domain.gate.types import JudgedRow, Residuals, Scores
from domain.measures import OF_KIND, Measure

if TYPE_CHECKING:
    from domain.settings import Kind


@dataclass(frozen=True)
class Resamples(Study):
    """Some rows' labels, and by model the answers and the draws of a paired bootstrap."""

    measures: tuple[Measure, ...]
    labels: Sequence[str]
    answers: dict[str, list[str]]
    draws: dict[str, Draws]

    def bounds(self, measure: Measure) -> tuple[float, float]:
        """The ends of what holds so many of the resamples' differences, in points."""
        drawn = self.draws["candidate"].of(measure.name) - self.draws["champion"].of(measure.name)
        return interval(drawn, 2 * CONFIDENCE - 1)[0], interval(drawn, 2 * CONFIDENCE_OF_HARM - 1)[1]

    def intervals(self) -> dict[str, dict[str, tuple[float, float]]]:
        """The central 95% of the resamples."""
        return {
            model: {measure.name: interval(drawn.of(measure.name), 0.95) for measure in self.measures}
            for model, drawn in self.draws.items()
        }

    def confusion(self) -> dict[str, list[tuple[str, str, int]]]:
        """As `scores.confusion`."""
        return {model: confusion(self.labels, answers) for model, answers in self.answers.items()}

    def residuals(self) -> dict[str, Residuals]:
        """None: a label is right or wrong."""
        return {}


@dataclass(frozen=True)
class Classification(Judge):
    """Truths and answers are labels. A difference is in points: 0.01 is one more row in a hundred.

    A label with fewer than `min_label_rows` rows does not count towards macro-F1.
    """

    measures: tuple[Measure, ...] = OF_KIND["classification"]
    min_label_rows: int = 1
    kind: Kind = "classification"
    baseline: str = "the commonest label"

    def scores(self, rows: Sequence[JudgedRow], who: str) -> Scores:
        """As `scores.score`."""
        return score(_truths(rows), _answers(rows, who), self.min_label_rows)

    def baseline_scores(self, rows: Sequence[JudgedRow]) -> Scores:
        """Of the commonest label."""
        labels = _truths(rows)
        return score(labels, [majority_label(labels)] * len(labels), self.min_label_rows)

    def difference(self, measure: Measure, new: Scores, old: Scores) -> float:
        """In points."""
        return new.values[measure.key] - old.values[measure.key]

    def study(self, rows: Sequence[JudgedRow], models: Sequence[str], seed: str) -> Resamples:
        """The paired bootstrap; macro-F1 is over the labels that count."""
        found = self.scores(rows, "candidate")
        counted = [item.label for item in found.labels if item.label not in found.left_out]
        labels, given = _truths(rows), {model: _answers(rows, model) for model in models}
        return Resamples(self.measures, labels, given, bootstrap(labels, given, counted, seed))

    def kept(self, rows: Sequence[JudgedRow]) -> Kept:
        """A row is right, or it is not."""
        right = [row for row in rows if row.champion == row.label]
        return Kept(len(right), sum(row.candidate == row.label for row in right), "right")

    def group_loss(self, rows: Sequence[JudgedRow]) -> GroupLoss:
        """The share of rows lost, less those won, with McNemar's exact test."""
        lost = sum(row.champion == row.label != row.candidate for row in rows)
        won = sum(row.candidate == row.label != row.champion for row in rows)
        said = f"lost {lost} and won {won} of {len(rows)} rows"
        return GroupLoss((lost - won) / len(rows), mcnemar(lost, won), said)

    def groups(self, rows: Sequence[JudgedRow]) -> dict[str, dict[str, list[JudgedRow]]]:
        """Labels, and slices if there are any."""
        return {"label": by(rows, lambda row: str(row.label)), **slices(rows)}

    def moved(self, difference: float) -> str:
        """Such as -0.0100."""
        return f"{difference:+.4f}"

    def surely(self, low: float, high: float, *, harm: bool) -> str:
        """Such as 95% sure above -0.0300."""
        return f"99% sure below {high:+.4f}" if harm else f"95% sure above {low:+.4f}"


def _truths(rows: Sequence[JudgedRow]) -> list[str]:
    return [str(row.label) for row in rows]


def _answers(rows: Sequence[JudgedRow], who: str) -> list[str]:
    return [str(getattr(row, who)) for row in rows]
