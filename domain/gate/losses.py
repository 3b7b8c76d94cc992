"""By what factor a model's mean loss is another's, with bounds that hold under heavy tails; in numpy alone.

That the factor is k says that d = ours - k * theirs, a difference per row, has mean 0. So a bound is the nearest k that
a test of this mean rules out (Fieller 1954, "Some problems in interval estimation"). Two tests must agree:

- Student's t of d. At the margin two models whose errors differ in scale alone have a symmetric d, whatever their
  tails, and t is then a little too cautious. That is why corrections for skewness by themselves do worse there.
- Hall's transformation of it (1992, "On the removal of skewness by transformation", JRSS B 54). Where a candidate errs
  rarely and by much, d is skewed, and t finds the candidate better than it is.

No test holds its level for every distribution of losses: what was never drawn is not known (Bahadur and Savage 1956,
"The nonexistence of certain statistical procedures in nonparametric problems"). `docs/gate.md` has the rates.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from domain.gate.statistics import Floats

# A larger factor is called this one: JSON has no infinity.
MOST: Final = 1e6
# Below this share of its parts a variance is rounding.
_ROUNDING: Final = 1e-14
_HALVINGS: Final = 60


class Factor:
    """The factor by which the mean of `ours` is that of `theirs`: losses ≥ 0 of the same rows, arrays of shape (n,).

    1 if neither has a loss; at most MOST, which is also what it is against no loss at all.
    """

    def __init__(self, ours: Floats, theirs: Floats) -> None:
        largest = max(float(ours.max()), float(theirs.max()))
        # In units of the largest loss no power overflows.
        one, other = (ours / largest, theirs / largest) if largest else (ours, theirs)
        self.rows = len(ours)
        self._lossless = not largest
        self._means = float(one.mean()), float(other.mean())
        # d = (ours - theirs) - (k - 1) * theirs: near k = 1, where most depends on it, nothing cancels.
        apart, theirs_apart = one - other, other - self._means[1]
        apart = apart - apart.mean()
        self._second = [float((apart ** (2 - i) * theirs_apart**i).mean()) for i in range(3)]
        self._third = [float((apart ** (3 - i) * theirs_apart**i).mean()) for i in range(4)]
        self._rowwise = _largest_ratio(one, other)

    @property
    def observed(self) -> float:
        """The factor on these rows."""
        ours, theirs = self._means
        if self._lossless:
            return 1.0
        return min(MOST, ours / theirs) if theirs else MOST

    def at_most(self, confidence: float) -> float:
        """What the true factor is below with so much confidence; MOST if it may be any.

        Never above what the factor is on the row with the largest: where no row got worse, the mean did not.
        """
        needed = NormalDist().inv_cdf(1 - confidence)
        low, high = self.observed, MOST
        if self._lossless or max(self._scores(high)) > needed:
            return min(high, self._rowwise)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if max(self._scores(middle)) <= needed else (middle, high)
        return min(high, self._rowwise)

    def at_least(self, confidence: float) -> float:
        """What the true factor is above with so much confidence; 0 if it may be any."""
        needed = NormalDist().inv_cdf(confidence)
        low, high = 0.0, self.observed
        if self._lossless or min(self._scores(low)) < needed:
            return low
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if min(self._scores(middle)) >= needed else (low, middle)
        return low

    def p_worse(self) -> float:
        """The one-sided p-value that the factor is above 1, if it is not."""
        return math.erfc(min(self._scores(1.0)) / math.sqrt(2)) / 2

    def _scores(self, factor: float) -> tuple[float, float]:
        """Student's t of d at this factor, and Hall's, as standard normal scores; below 0 where it is too large."""
        k = factor - 1
        ours, theirs = self._means
        mean = ours - factor * theirs
        square, mixed, of_theirs = self._second
        variance = square - 2 * k * mixed + k * k * of_theirs
        if self.rows < 2 or abs(mean) <= _ROUNDING * (ours + factor * theirs):
            return 0.0, 0.0
        if variance <= _ROUNDING * (square + k * k * of_theirs):
            return math.copysign(math.inf, mean), math.copysign(math.inf, mean)
        third = sum(
            ways * (-k) ** i * part for i, (ways, part) in enumerate(zip((1, 3, 3, 1), self._third, strict=True))
        )
        spread = math.sqrt(variance * self.rows / (self.rows - 1))
        score, skewness = mean / spread, third / spread**3
        # The derivative is (1 + skewness * score / 3) squared: the order of scores stays.
        straight = score + skewness * score**2 / 3 + skewness**2 * score**3 / 27 + skewness / (6 * self.rows)
        root, degrees = math.sqrt(self.rows), self.rows - 1
        return _normal(root * score, degrees), _normal(root * straight, degrees)


def _normal(t: float, degrees: int) -> float:
    """Student's t as the standard normal score of the same probability, nearly so from 5 rows on.

    Wallace 1959, "Bounds on normal approximations to Student's and the chi-square distributions".
    """
    score = math.sqrt(degrees * math.log1p(t * t / degrees)) * (8 * degrees + 1) / (8 * degrees + 3)
    return math.copysign(score, t)


def _largest_ratio(ours: Floats, theirs: Floats) -> float:
    """The largest factor of a row; 1 if no row has a loss, MOST if one has it of ours alone."""
    some = (ours > 0) | (theirs > 0)
    if not some.any():
        return 1.0
    one, other = ours[some], theirs[some]
    return float(np.divide(one, other, out=np.full(len(one), MOST), where=other > one / MOST).max())
