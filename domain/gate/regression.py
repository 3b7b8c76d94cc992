"""Regression: MAE, RMSE and R², as shares of the champion's error; each slice by itself.

R² is compared by what a model leaves unexplained, the root of 1 - R². On the same rows that moves as RMSE does, so a
margin means the same to both. A difference of -0.05 is 5% more error than the other model's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from domain.gate.judge import CONFIDENCE, CONFIDENCE_OF_HARM, GroupLoss, Judge, Kept, Study, slices
from domain.gate.losses import MOST, Factor
from domain.gate.residuals import residuals
from domain.gate.statistics import DRAWS, Floats, generator, interval
from domain.gate.types import JudgedRow, Residuals, Scores
from domain.measures import MAE, OF_KIND, R2, RMSE, Measure

if TYPE_CHECKING:
    from domain.settings import Kind

# Sums of squares of any number of these stay finite.
_LARGEST: Final = 1e150
# Weights in memory at once.
_WEIGHTS: Final = 2_000_000
# Below this share of its parts a spread is rounding.
_ROUNDING: Final = 1e-12


def mae(truths: Floats, answers: Floats, weights: Floats) -> Floats:
    """Mean absolute error. `weights` are rows' counts, of shape (…, n); the result has that shape without n."""
    mean: Floats = weights @ np.abs(answers - truths) / weights.sum(axis=-1)
    return mean


def rmse(truths: Floats, answers: Floats, weights: Floats) -> Floats:
    """Root of the mean squared error. Shapes as of `mae`."""
    root: Floats = np.sqrt(weights @ (answers - truths) ** 2 / weights.sum(axis=-1))
    return root


def r2(truths: Floats, answers: Floats, weights: Floats) -> Floats:
    """The share of the truths' variance that the answers explain; below 0 if their mean explains more.

    Where all truths are equal, 1 without errors and 0 with any, as scikit-learn's `r2_score` has it. Shapes: as `mae`.
    """
    left, apart = weights @ (answers - truths) ** 2, truths - truths.mean()
    square = weights @ apart**2
    spread = square - (weights @ apart) ** 2 / weights.sum(axis=-1)
    constant = spread <= _ROUNDING * square
    return np.where(constant, (left == 0).astype(float), 1 - left / np.where(constant, 1, spread))


class Computed(NamedTuple):
    """How a measure of how far off answers are is computed: by `of`, on these rows or on resamples.

    `power` makes a row's loss of its error, `always` is the answer that does best of those given to every row, and a
    difference is a share of the error `compared`.
    """

    of: Callable[[Floats, Floats, Floats], Floats]
    power: int
    always: Callable[[Floats], Any]
    compared: Measure


COMPUTED: Final = {
    MAE: Computed(mae, 1, np.median, MAE),
    RMSE: Computed(rmse, 2, np.mean, RMSE),
    R2: Computed(r2, 2, np.mean, RMSE),
}


@dataclass(frozen=True)
class Errors(Study):
    """The models' answers to some rows, by model, in an order that does not depend on the rows'."""

    measures: tuple[Measure, ...]
    truths: Floats
    answers: dict[str, Floats]
    seed: str

    def bounds(self, measure: Measure) -> tuple[float, float]:
        """From the factor by which the mean loss moved (`losses.Factor`), as shares of the champion's error."""
        power = COMPUTED[measure].power
        factor = self._factors[power]
        found = factor.at_most(CONFIDENCE), factor.at_least(CONFIDENCE_OF_HARM)
        # A root of what stands for any factor is no longer that.
        low, high = (1 - (factor ** (1 / power) if factor < MOST else MOST) for factor in found)
        return low, high

    def intervals(self) -> dict[str, dict[str, tuple[float, float]]]:
        """The central 95% of the measures in DRAWS resamples of the rows, the same for all models."""
        chance, rows = generator(self.seed), len(self.truths)
        drawn: dict[tuple[str, Measure], list[Floats]] = {}
        for some in _chunks(DRAWS, max(1, _WEIGHTS // rows)):
            weights = chance.multinomial(rows, np.full(rows, 1 / rows), size=some).astype(np.float64)
            for model, answers in self.answers.items():
                for measure in self.measures:
                    found = drawn.setdefault((model, measure), [])
                    found.append(COMPUTED[measure].of(self.truths, answers, weights))
        return {
            model: {measure.name: interval(np.concatenate(drawn[model, measure]), 0.95) for measure in self.measures}
            for model in self.answers
        }

    def confusion(self) -> dict[str, list[tuple[str, str, int]]]:
        """None: there are no labels."""
        return {}

    def residuals(self) -> dict[str, Residuals]:
        """As `residuals.residuals`."""
        return residuals(self.truths, self.answers)

    @cached_property
    def _factors(self) -> dict[int, Factor]:
        errors = [np.abs(self.answers[who] - self.truths) for who in ("candidate", "champion")]
        powers = {COMPUTED[measure].power for measure in self.measures}
        return {power: Factor(errors[0] ** power, errors[1] ** power) for power in powers}


@dataclass(frozen=True)
class Regression(Judge):
    """Truths and answers are finite numbers. All measures are told; the model is judged by those of `measures`.

    Every method raises ValueError for a row without such a number. The first measure's losses judge a slice.
    """

    measures: tuple[Measure, ...] = OF_KIND["regression"]
    kind: Kind = "regression"
    baseline: str = "the mean (for MAE, the median)"

    def scores(self, rows: Sequence[JudgedRow], who: str) -> Scores:
        """MAE, RMSE and R²."""
        truths, answers = _sorted(rows, [who])
        return _scored(truths, dict.fromkeys(COMPUTED, answers))

    def baseline_scores(self, rows: Sequence[JudgedRow]) -> Scores:
        """Of the held-out truths' mean, and of their median for MAE."""
        (truths,) = _sorted(rows, [])
        return _scored(truths, {one: np.full(len(truths), how.always(truths)) for one, how in COMPUTED.items()})

    def difference(self, measure: Measure, new: Scores, old: Scores) -> float:
        """As a share of the other's error; nothing if neither has any."""
        key = COMPUTED[measure].compared.key
        one, other = new.values[key], old.values[key]
        if one == other:
            return 0.0
        return 1 - (min(MOST, one / other) if other else MOST)

    def study(self, rows: Sequence[JudgedRow], models: Sequence[str], seed: str) -> Errors:
        """Their errors."""
        truths, *answers = _sorted(rows, models)
        return Errors(self.measures, truths, dict(zip(models, answers, strict=True)), seed)

    def kept(self, rows: Sequence[JudgedRow]) -> Kept:
        """An answer is right if it is off by no more than the champion is on average."""
        truths, *answers = _sorted(rows, ["candidate", "champion"])
        candidate, champion = (np.abs(answer - truths) for answer in answers)
        most = float(champion.mean()) * (1 + _ROUNDING)
        near = champion <= most
        kept = int((candidate[near] <= most).sum())
        return Kept(int(near.sum()), kept, f"off by at most {MAE.shown(most)}, the champion's mean error,")

    def group_loss(self, rows: Sequence[JudgedRow]) -> GroupLoss:
        """The rise of the mean loss, as a share of the champion's error, with the p-value of `losses.Factor`."""
        truths, *answers = _sorted(rows, ["candidate", "champion"])
        power = COMPUTED[self.measures[0]].power
        factor = Factor(*(np.abs(answer - truths) ** power for answer in answers))
        share = factor.observed ** (1 / power) - 1
        return GroupLoss(share, factor.p_worse(), f"has {self.moved(-share)} on {len(rows)} rows")

    def groups(self, rows: Sequence[JudgedRow]) -> dict[str, dict[str, list[JudgedRow]]]:
        """Slices, if there are any."""
        return slices(rows)

    def moved(self, difference: float) -> str:
        """Such as 2.8% more error."""
        if difference <= 1 - MOST:
            return f"{MOST:,.0f} times the error"
        return f"{abs(difference):.1%} {'less' if difference > 0 else 'more'} error"

    def surely(self, low: float, high: float, *, harm: bool) -> str:
        """Such as 95% sure of at most 5.1% more error."""
        if harm:
            return f"99% sure of at least {self.moved(high)}"
        if low <= 1 - MOST:
            return "too few rows, or too few errors, to be 95% sure of any bound"
        return f"95% sure of at {'least' if low > 0 else 'most'} {self.moved(low)}"


def _sorted(rows: Sequence[JudgedRow], models: Sequence[str]) -> Floats:
    """Truths and the models' answers, (1 + models, n), in order of truth and answers: no sum depends on the rows'.

    Raises ValueError for what is no number, not finite or too large to be squared.
    """
    table = np.array([[getattr(row, name) for row in rows] for name in ("label", *models)], dtype=np.float64)
    wrong = np.argwhere(~(np.abs(table) < _LARGEST))
    if len(wrong):
        column, row = wrong[0]
        raise ValueError(f"row {rows[row].id}: {('label', *models)[column]} is {table[column, row]}, no usable number")
    return np.asarray(table[:, np.lexsort(table[::-1])])


def _scored(truths: Floats, answers: dict[Measure, Floats]) -> Scores:
    once = np.ones(len(truths))
    values = {measure.key: float(COMPUTED[measure].of(truths, given, once)) for measure, given in answers.items()}
    return Scores(len(truths), values)


def _chunks(total: int, most: int) -> list[int]:
    """`total` in parts of at most `most`."""
    return [min(most, total - start) for start in range(0, total, most)]
