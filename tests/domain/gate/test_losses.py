"""The bounds on a factor of mean losses: Student's t and Hall's, turned round, and what they never do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm, t, ttest_rel

from domain.gate.losses import MOST, Factor, _normal

losses = st.floats(0, 1e6).map(lambda loss: loss if loss > 1e-3 else 0.0)
pairs = st.lists(st.tuples(losses, losses), min_size=2, max_size=40)


def factor(found: list[tuple[float, float]]) -> Factor:
    ours, theirs = np.array(found).T
    return Factor(ours, theirs)


def drawn(rows: int = 200, seed: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Losses with a symmetric difference: Hall's correction is then nearly nothing."""
    chance = np.random.default_rng(seed)
    return chance.gamma(4, size=rows), chance.gamma(4, size=rows)


@pytest.mark.parametrize(("degrees", "within"), [(5, 0.02), (30, 0.001), (200, 0.0001)])
@pytest.mark.parametrize("probability", [0.9, 0.95, 0.99, 0.999])
def test_the_normal_score_is_scipy_s(degrees: int, within: float, probability: float) -> None:
    assert _normal(t.ppf(probability, degrees), degrees) == pytest.approx(norm.ppf(probability), rel=within)


def test_a_bound_is_where_the_paired_t_test_turns() -> None:
    ours, theirs = drawn()
    bound = Factor(ours, theirs).at_most(0.95)
    p = ttest_rel(ours, bound * theirs, alternative="less").pvalue
    assert p == pytest.approx(0.05, abs=0.003), "at most by what Hall's correction moves it"
    bound = Factor(ours, theirs).at_least(0.99)
    assert ttest_rel(ours, bound * theirs, alternative="greater").pvalue == pytest.approx(0.01, abs=0.001)


def test_the_p_value_is_that_of_the_more_careful_test() -> None:
    ours, theirs = drawn()
    found = Factor(ours * 1.1, theirs).p_worse()
    assert found >= ttest_rel(ours * 1.1, theirs, alternative="greater").pvalue - 1e-4
    assert found == pytest.approx(ttest_rel(ours * 1.1, theirs, alternative="greater").pvalue, abs=0.01)


def test_hall_s_correction_sees_rare_and_large_losses() -> None:
    """2 of 100 rows are 3 times as far off: t alone is 98% sure of what both together are 95% sure of."""
    theirs = np.ones(100)
    ours = np.where(np.arange(100) < 2, 3.0, 1.0)
    bound = Factor(ours, theirs).at_most(0.95)
    assert ttest_rel(ours, bound * theirs, alternative="less").pvalue < 0.02


@given(pairs)
def test_the_bounds_hold_the_observed_factor(found: list[tuple[float, float]]) -> None:
    one = factor(found)
    assert 0 <= one.at_least(0.99) <= one.observed <= MOST
    # The largest factor of a row is a bound, and can be the observed one.
    assert one.at_most(0.95) >= one.observed * (1 - 1e-9)


@given(pairs, st.floats(0.5, 0.999), st.floats(0.5, 0.999))
def test_more_confidence_never_narrows_a_bound(found: list[tuple[float, float]], one: float, other: float) -> None:
    less, more = sorted([one, other])
    assert factor(found).at_most(less) <= factor(found).at_most(more) * (1 + 1e-9)
    assert factor(found).at_least(less) >= factor(found).at_least(more) * (1 - 1e-9)


@given(pairs, st.floats(1e-6, 1e6))
def test_the_unit_of_losses_does_not_matter(found: list[tuple[float, float]], unit: float) -> None:
    scaled = [(one * unit, other * unit) for one, other in found]
    assert factor(scaled).at_most(0.95) == pytest.approx(factor(found).at_most(0.95), rel=1e-6)
    assert factor(scaled).at_least(0.99) == pytest.approx(factor(found).at_least(0.99), rel=1e-6, abs=1e-9)


@given(pairs)
def test_equal_losses_are_surely_no_worse(found: list[tuple[float, float]]) -> None:
    same = factor([(one, one) for one, _ in found])
    assert same.observed == 1
    assert same.at_most(0.95) <= 1
    assert same.at_least(0.99) <= 1
    assert same.p_worse() >= 0.5


def test_huge_losses_do_not_overflow() -> None:
    ours, theirs = drawn()
    assert Factor(ours * 1e300, theirs * 1e300).at_most(0.95) == pytest.approx(Factor(ours, theirs).at_most(0.95))


@pytest.mark.parametrize(
    ("found", "observed", "at_least", "at_most"),
    [
        ([(0.0, 0.0)] * 50, 1, 0, 1),
        ([(0.0, 1.0)] * 50, 0, 0, 0),
        ([(0.0, 0.0)] * 49 + [(0.0, 1.0)], 0, 0, 0),
        ([(1.0, 0.0)] * 50, MOST, MOST, MOST),
        ([(0.0, 0.0)] * 49 + [(1.0, 0.0)], MOST, 0, MOST),
        ([(2.0, 1.0)] * 50, 2, 2, 2),
        ([(2.0, 1.0)], 2, 0, 2),
    ],
    ids=["no loss", "all won", "one won", "all lost", "one lost", "twice everywhere", "one row"],
)
def test_where_there_is_nothing_to_vary(
    found: list[tuple[float, float]], observed: float, at_least: float, at_most: float
) -> None:
    one = factor(found)
    assert one.observed == observed
    assert one.at_least(0.99) == pytest.approx(at_least)
    assert one.at_most(0.95) == pytest.approx(at_most)


def test_at_the_margin_a_bound_is_passed_once_in_twenty() -> None:
    """Student t errors with 3 degrees, truly 5% more of the candidate's: `make gate-report` has more."""
    chance, trials, rows = np.random.default_rng(1), 600, 200
    tail = np.sqrt(3 / chance.chisquare(3, (trials, rows)))
    theirs = chance.standard_normal((trials, rows)) * tail
    ours = 1.05 * (0.9 * theirs + 0.19**0.5 * chance.standard_normal((trials, rows)) * tail)
    passed = sum(Factor(abs(one), abs(other)).at_most(0.95) <= 1.05 for one, other in zip(ours, theirs, strict=True))
    assert passed / trials <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5
