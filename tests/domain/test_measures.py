"""The measures: each has its own words, and a value is told so that it says something, whatever it is counted in."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.gate.decision import decide
from domain.gate.types import JudgedRow
from domain.measures import ACCURACY, BY_KEY, BY_NAME, EVERY, MAE, OF_KIND, R2, among, significant, told
from domain.metrics import evaluated, of_decision
from domain.settings import GateSettings, Kind


def test_each_kind_has_its_own() -> None:
    assert set(OF_KIND) == set(get_args(Kind))
    assert len(BY_KEY) == len(BY_NAME) == len(EVERY)
    assert among(BY_KEY.keys() | {"rows", "labels"}) == list(EVERY)


def test_each_has_a_threshold_among_the_settings() -> None:
    assert all(measure.threshold(GateSettings(**{measure.setting: 0.5})) == 0.5 for measure in EVERY)
    assert all(GateSettings.model_validate({measure.setting: measure.idle}) for measure in EVERY)


@pytest.mark.parametrize(
    ("value", "shown", "short"),
    [
        (12345.6, "12346", "12346"),
        (1234567.8, "1234568", "1234568"),
        (99999.96, "100000", "100000"),
        (123.456789, "123.46", "123.5"),
        (0.00123456, "0.0012346", "0.001235"),
        (1.5e-7, "1.5e-07", "1.5e-07"),
        (0.0, "0", "0"),
        (-48123.4, "-48123", "-48123"),
        (2e20, "2e+20", "2e+20"),
    ],
)
def test_a_value_in_the_target_s_unit(value: float, shown: str, short: str) -> None:
    assert (MAE.shown(value), MAE.shown(value, 3)) == (shown, short)


def test_a_fraction_has_its_decimals() -> None:
    assert (ACCURACY.shown(1.0), ACCURACY.shown(0.81234, 3), R2.shown(-0.12345)) == ("1.0000", "0.812", "-0.1235")


def test_a_number_of_any_unit_is_told_as_a_fraction_while_it_is_small() -> None:
    assert [told(value, 3) for value in (0.0, 0.6931, 999.9, 152399025.4)] == ["0.000", "0.693", "999.900", "152399025"]


@given(st.floats(1e-300, 1e14), st.integers(3, 6))
def test_no_digit_that_counts_is_lost(value: float, digits: int) -> None:
    shown = significant(value, digits)
    assert float(shown) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))
    assert len(re.sub(r"e.*|^0\.0*|[^0-9]", "", shown)) <= max(digits, 15)


@given(st.floats(1e-300, 1e300))
def test_what_json_has_of_an_error_is_all_of_it(value: float) -> None:
    assert MAE.rounded(value) == value
    assert ACCURACY.rounded(0.123456789) == 0.123457


def test_what_evaluate_reports_is_of_the_task_s_measures() -> None:
    rows = [JudgedRow(str(n), float(n), n + 1.5, n + 2.0, True) for n in range(60)]
    decision = decide(rows, GateSettings(), "seed", "regression", ("mae", "r2"))
    assert decision.champion is not None
    assert of_decision(decision, ("mae", "r2")) == {
        "CandidateMae": 1.5,
        "CandidateR2": decision.candidate.values["r2"],
        "ChampionMae": 2.0,
        "ChampionR2": decision.champion.values["r2"],
    }
    first = decide([JudgedRow(str(n), "ab"[n % 2], "a", None, False) for n in range(60)], GateSettings(), "seed")
    assert of_decision(first, ("accuracy", "macro_f1")) == {"CandidateAccuracy": 0.5, "CandidateMacroF1": 1 / 3}


def test_no_two_metrics_have_one_name() -> None:
    assert len({evaluated(who, key) for who in ("Candidate", "Champion") for key in BY_KEY}) == 2 * len(BY_KEY)
