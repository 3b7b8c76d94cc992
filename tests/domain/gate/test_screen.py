"""The screen holds what the live model cannot make sense of, and hardly ever anything else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from domain.gate.screen import MIN_ROWS, Sample, rows_of_each, screen, sentence
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
