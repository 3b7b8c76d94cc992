"""What holds of the gate on numbers whatever the rows and the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.gate.types import JudgedRow
from domain.settings import GateSettings
from tests.domain.gate.test_regression import decide, failed

numbers = st.integers(-1000, 1000).map(lambda number: number / 8)
rows = st.lists(
    st.builds(
        JudgedRow,
        st.just("id"),
        numbers,
        numbers,
        numbers,
        st.booleans(),
        st.none() | numbers,
        st.none() | st.sampled_from("abc"),
    ),
    min_size=1,
    max_size=60,
)
policies = st.builds(
    GateSettings,
    max_mae=st.none() | st.floats(0, 200),
    max_rmse=st.none() | st.floats(0, 200),
    min_r2=st.none() | st.floats(-1, 1),
    max_drop=st.floats(0, 0.1),
    margin=st.floats(0.1, 0.3),
    max_label_drop=st.floats(0, 0.3),
    min_test_rows=st.integers(1, 80),
    max_test_rows=st.just(1000),
)
OPEN = GateSettings(min_test_rows=1)
few = settings(max_examples=25)


@few
@given(rows, policies)
def test_identical_predictions_fail_no_rule_of_comparison(found: list[JudgedRow], policy: GateSettings) -> None:
    same = [replace(row, champion=row.candidate, anchor=row.candidate) for row in found]
    alone = {"enough rows", "MAE threshold", "RMSE threshold", "R² threshold", "above baseline"}
    assert not set(failed(decide(same, policy))) - alone


@few
@given(rows, policies, st.randoms())
def test_the_order_of_rows_never_matters(found: list[JudgedRow], policy: GateSettings, chance: Any) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert decide(shuffled, policy) == decide(found, policy)


@few
@given(rows, policies, st.floats(1e-6, 1e6))
def test_the_unit_of_truths_and_answers_does_not_matter(
    found: list[JudgedRow], policy: GateSettings, unit: float
) -> None:
    # At a threshold that is met exactly, rounding decides.
    values = decide(found, policy).candidate.values
    asked = ((values["mae"], policy.max_mae), (values["rmse"], policy.max_rmse), (values["r2"], policy.min_r2))
    assume(all(limit is None or abs(value - limit) > 1e-6 for value, limit in asked))

    def scaled(value: Any) -> Any:
        return None if value is None else value * unit

    names = ("label", "candidate", "champion", "anchor")
    other = [replace(row, **{name: scaled(getattr(row, name)) for name in names}) for row in found]
    limits = {"max_mae": scaled(policy.max_mae), "max_rmse": scaled(policy.max_rmse)}
    one, two = decide(found, policy), decide(other, policy.model_copy(update=limits))
    assert (two.verdict, failed(two)) == (one.verdict, failed(one))


@few
@given(rows)
def test_one_without_errors_replaces_any_that_has_some(found: list[JudgedRow]) -> None:
    perfect = [replace(row, candidate=row.label, anchor=None) for row in found]
    assume(any(row.champion != row.label for row in perfect))
    assert decide(perfect, OPEN).verdict == "promote"


@few
@given(rows, policies)
def test_too_few_rows_never_decide_anything(found: list[JudgedRow], policy: GateSettings) -> None:
    assume(len(found) < policy.min_test_rows)
    assert decide(found, policy).verdict == "keep"


@few
@given(rows)
def test_one_that_is_farther_off_on_every_row_is_never_promoted(found: list[JudgedRow]) -> None:
    worse = [replace(row, candidate=2 * float(row.champion or 0) - float(row.label)) for row in found]
    assume(any(row.champion != row.label for row in worse))
    assert decide(worse, OPEN).verdict != "promote"


@few
@given(rows, policies, st.floats(1, 2), st.floats(1, 2))
def test_more_error_never_turns_another_verdict_into_promote(
    found: list[JudgedRow], policy: GateSettings, one: float, other: float
) -> None:
    """The candidate has the champion's errors, so many times as large."""

    def times(factor: float) -> list[JudgedRow]:
        return [
            replace(
                row, candidate=float(row.label) + factor * (float(row.champion or 0) - float(row.label)), anchor=None
            )
            for row in found
        ]

    less, more = sorted([one, other])
    if decide(times(less), policy).verdict != "promote":
        assert decide(times(more), policy).verdict != "promote"


@few
@given(rows, policies)
def test_whoever_is_promoted_meets_every_rule(found: list[JudgedRow], policy: GateSettings) -> None:
    decision = decide(found, policy)
    assert (decision.verdict == "promote") == (not failed(decision))
