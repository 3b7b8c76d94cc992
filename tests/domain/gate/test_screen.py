"""The screen holds what the live model cannot make sense of, and hardly ever anything else."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from domain.gate.screen import MIN_ROWS, Sample, rows_of_each, screen, sentence, usual_error
from domain.gate.statistics import binomial_tail, wilson_upper
from domain.settings import ScreenSettings

POLICY = ScreenSettings()
REFERENCE = Sample(300, 45)


def held(*samples: Sample, reference: Sample = REFERENCE) -> list[bool]:
    named = {str(number): sample for number, sample in enumerate(samples)}
    return [finding.held for finding in screen(reference, named, POLICY)]


@pytest.mark.parametrize(
    ("sample", "is_held"),
    [
        (Sample(300, 45), False),
        (Sample(300, 68), False),
        (Sample(300, 150), True),
        (Sample(MIN_ROWS, MIN_ROWS), True),
        (Sample(MIN_ROWS - 1, MIN_ROWS - 1), False),
        (Sample(0, 0, 300), False),
    ],
    ids=["like accepted data", "drifted", "shuffled", "few rows, all wrong", "too few rows", "only new labels"],
)
def test_what_is_held(sample: Sample, is_held: bool) -> None:
    assert held(sample) == [is_held]


def test_without_accepted_rows_to_compare_with_nothing_is_held() -> None:
    assert held(Sample(300, 300), reference=Sample(MIN_ROWS - 1, 0)) == [False]
    assert held(Sample(300, 300), reference=Sample(0, 0)) == [False]


def test_each_source_is_judged_for_itself() -> None:
    assert held(Sample(300, 45), Sample(300, 150), Sample(40, 6)) == [False, True, False]


def test_a_label_that_the_model_does_not_know_is_no_error() -> None:
    pairs = [("a", "a"), ("a", "b"), ("new", "a"), ("new", "b")]
    assert Sample.of(pairs, {"a", "b"}) == Sample(2, 1, 2)


def test_the_sentence_names_file_figures_and_ways_out() -> None:
    (finding,) = screen(REFERENCE, {"s": Sample(200, 100)}, POLICY)
    said = sentence([("landing/a.csv", finding)], REFERENCE)
    for part in ("landing/a.csv", "100 of 200", "(50%)", "15%", "mlops release", "mlops withdraw"):
        assert part in said


def test_a_drop_of_thousands_of_files_is_told_of_in_one_notification() -> None:
    finding = screen(REFERENCE, {"x": Sample(200, 100)}, POLICY)[0]
    said = sentence([(f"landing/{number:0900}", finding) for number in range(5_000)], REFERENCE)
    assert "and 4,990 more" in said
    assert len(said.encode()) < 2**15


@pytest.mark.parametrize(("files", "rows"), [(1, 500), (100, 500), (1_000, 50), (1_000_000, MIN_ROWS)])
def test_the_more_files_the_fewer_rows_of_each(files: int, rows: int) -> None:
    assert rows_of_each(files, POLICY) == rows


@given(st.integers(MIN_ROWS, 500), st.data())
def test_more_disagreement_never_lets_a_file_pass(rows: int, data: st.DataObject) -> None:
    fewer = data.draw(st.integers(0, rows))
    more = data.draw(st.integers(fewer, rows))
    assert held(Sample(rows, fewer)) <= held(Sample(rows, more))


@given(st.integers(MIN_ROWS, 300), st.floats(0.05, 0.4))
def test_a_file_like_accepted_data_is_held_less_than_once_in_a_hundred(rows: int, rate: float) -> None:
    """Exactly: the probability that a file with the reference's very rate draws a count that is held."""
    reference = Sample(400, round(400 * rate))
    counts = [count for count in range(rows + 1) if held(Sample(rows, count), reference=reference) == [True]]
    assert sum(binom.pmf(count, rows, reference.rate) for count in counts) < 0.01


# ---- numbers ------------------------------------------------------------------------

TAILS: dict[str, Callable[[Random], float]] = {
    "normal": lambda chance: chance.gauss(0, 1),
    "lognormal": lambda chance: chance.lognormvariate(0, 1),
    "Pareto without a mean": lambda chance: chance.paretovariate(0.9),
}


def numbers(chance: Random, error: Callable[[Random], float], rows: int) -> list[tuple[float, float]]:
    """(truth, answer) pairs of a model that explains a good part of what it is asked."""
    answers = [chance.gauss(0, 2) for _ in range(rows)]
    return [(answer + error(chance), answer) for answer in answers]


def held_by(reference: list[tuple[float, float]], new: list[tuple[float, float]]) -> bool:
    usual = usual_error(reference)
    return held(Sample.of_numbers(new, usual), reference=Sample.of_numbers(reference, usual)) == [True]


def test_usual_is_what_four_fifths_of_answers_are_off_by_at_most() -> None:
    assert usual_error([(float(n), 0.0) for n in range(1, 11)]) == 8
    assert usual_error([]) == 0
    reference = [(float(n), 0.0) for n in range(100)]
    assert Sample.of_numbers(reference, usual_error(reference)).rate == 0.2


def test_an_answer_that_is_no_number_disagrees() -> None:
    assert Sample.of_numbers([(1.0, math.nan), (1.0, math.inf), (1.0, 1.5)], 0.5) == Sample(3, 2, usual=0.5)


@pytest.mark.parametrize("tail", TAILS)
def test_a_file_of_numbers_like_accepted_ones_is_held_less_than_once_in_a_hundred(tail: str) -> None:
    chance = Random(1)
    trials = [held_by(numbers(chance, TAILS[tail], 400), numbers(chance, TAILS[tail], 300)) for _ in range(300)]
    assert sum(trials) <= 3 + 3 * (300 * 0.01) ** 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda chance, truth: truth * 1000,
        lambda chance, truth: truth + 3,
        lambda chance, truth: -truth,
        lambda chance, truth: chance.gauss(0, 2.2),
    ],
    ids=["another unit", "shifted", "turned round", "shuffled"],
)
@pytest.mark.parametrize("tail", ["normal", "lognormal"])
def test_truths_that_mean_something_else_are_held(tail: str, change: Callable[[Random, float], float]) -> None:
    chance = Random(2)
    reference, new = (numbers(chance, TAILS[tail], rows) for rows in (400, 300))
    assert held_by(reference, [(change(chance, truth), answer) for truth, answer in new])


def test_a_unit_changes_nothing() -> None:
    chance = Random(3)
    reference, new = (numbers(chance, TAILS["normal"], 60) for _ in range(2))
    usual = usual_error(reference)
    larger = usual_error([(truth * 8, answer * 8) for truth, answer in reference])
    assert larger == 8 * usual
    scaled = [(truth * 8, answer * 8) for truth, answer in new]
    assert Sample.of_numbers(scaled, larger).disagreed == Sample.of_numbers(new, usual).disagreed


def test_the_sentence_of_numbers_says_what_is_usual() -> None:
    reference = Sample(300, 60, usual=12.345678)
    (finding,) = screen(reference, {"s": Sample(200, 100, usual=12.345678)}, POLICY)
    said = sentence([("landing/a.csv", finding)], reference)
    for part in ("landing/a.csv", "off by more than 12.346 on 100 of 200 sampled rows (50%)", "it is so on 20%"):
        assert part in said


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0, 1))
@example(2, 1, 1.0)
@example(1, 1, 0.0)
def test_the_tail_is_scipy_s(least: int, trials: int, p: float) -> None:
    expected = binomtest(least, trials, p, alternative="greater").pvalue if least <= trials else 0.0
    assert binomial_tail(least, trials, p) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 400), st.floats(0, 1))
def test_the_interval_is_scipy_s(trials: int, share: float) -> None:
    hits = round(trials * share)
    # A two-sided interval of 90% leaves 5% on each side.
    expected = binomtest(hits, trials).proportion_ci(0.9, method="wilson").high
    assert wilson_upper(hits, trials) == pytest.approx(expected, abs=1e-4)
    assert wilson_upper(0, 0) == 1.0
