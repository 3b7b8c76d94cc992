"""The statistics are scipy's and scikit-learn's."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control
from sklearn.metrics import accuracy_score, f1_score

from domain.gate.statistics import Draws, bootstrap, holm, interval, mcnemar

names = st.sampled_from("abc")
triples = st.lists(st.tuples(names, names, names), min_size=1, max_size=40)
counts = st.integers(0, 400)


@given(counts, counts)
def test_mcnemar_is_the_exact_binomial_test(lost: int, won: int) -> None:
    expected = binomtest(lost, lost + won, alternative="greater").pvalue if lost + won else 1.0
    assert mcnemar(lost, won) == pytest.approx(expected, abs=1e-9)


def test_mcnemar_on_many_rows() -> None:
    assert mcnemar(10_200, 9_800) == pytest.approx(binomtest(10_200, 20_000, alternative="greater").pvalue, rel=1e-6)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_the_bare_p_values_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    bonferroni = [min(1.0, p * len(p_values)) for p in p_values]
    assert all(p <= a <= b for p, a, b in zip(p_values, adjusted, bonferroni, strict=True))
    # Holm holds the stricter guarantee, so it never finds more than the false discovery rate does.
    assert all(a >= f - 1e-12 for a, f in zip(adjusted, false_discovery_control(p_values), strict=True))


@given(triples, st.randoms())
def test_resamples_do_not_depend_on_the_order_of_rows(found: list[tuple[str, str, str]], chance: Random) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    one, two = (_resampled(rows) for rows in (found, shuffled))
    assert all(np.array_equal(one[name].macro_f1, two[name].macro_f1) for name in one)
    assert all(np.array_equal(one[name].accuracy, two[name].accuracy) for name in one)


@given(triples)
def test_equal_answers_have_equal_scores_in_every_resample(found: list[tuple[str, str, str]]) -> None:
    drawn = _resampled([(label, answer, answer) for label, answer, _ in found])
    assert np.array_equal(drawn["candidate"].macro_f1, drawn["champion"].macro_f1)


def test_resamples_are_those_of_drawing_rows_one_by_one() -> None:
    """The mean and spread of 2,000 multinomial draws, against some made row by row and scored by scikit-learn."""
    chance = np.random.default_rng(7)
    labels = chance.choice(list("abc"), 150, p=[0.6, 0.3, 0.1])
    answers = np.where(chance.random(150) < 0.8, labels, chance.choice(list("abc"), 150))
    drawn = bootstrap(list(labels), {"candidate": list(answers)}, ["a", "b", "c"], "seed")["candidate"]
    picks = chance.integers(0, 150, (600, 150))
    accuracy = np.array([accuracy_score(labels[pick], answers[pick]) for pick in picks])
    f1 = np.array(
        [f1_score(labels[p], answers[p], average="macro", labels=["a", "b", "c"], zero_division=0) for p in picks]
    )
    for ours, theirs in ((drawn.accuracy, accuracy), (drawn.macro_f1, f1)):
        assert ours.mean() == pytest.approx(theirs.mean(), abs=5 * theirs.std() / len(picks) ** 0.5)
        assert ours.std() == pytest.approx(theirs.std(), rel=0.1)
        assert interval(ours, 0.95) == pytest.approx(np.quantile(theirs, [0.025, 0.975]), abs=0.015)


def _resampled(found: list[tuple[str, str, str]]) -> dict[str, Draws]:
    labels, candidate, champion = zip(*found, strict=True)
    return bootstrap(labels, {"candidate": candidate, "champion": champion}, sorted(set(labels)), "seed")
