"""The gate on numbers: MAE, RMSE and R², by the same rules as labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from domain.gate import decision as gate
from domain.gate.regression import COMPUTED, Errors, Regression
from domain.gate.types import Decision, JudgedRow
from domain.measures import MAE, OF_KIND
from domain.settings import GateSettings

POLICY = GateSettings(min_test_rows=10)
COMPARED = ["MAE on all rows", "RMSE on all rows", "R² on all rows"]


def judged(
    candidate: Sequence[float], champion: Sequence[float] | None = None, *, old: int | None = None
) -> list[JudgedRow]:
    """Truths 0, 1, 2 …, and what each model is off by. Of `old` rows the champion knew, the rest are fresh."""
    known = len(candidate) if old is None else old
    return [
        JudgedRow(
            str(n),
            float(n),
            n + off,
            n + champion[n] if champion is not None else None,
            champion is not None and n < known,
        )
        for n, off in enumerate(candidate)
    ]


def errors(rows: int, scale: float = 1.0, seed: int = 1) -> list[float]:
    return [float(error) for error in scale * np.random.default_rng(seed).normal(size=rows)]


def decide(found: list[JudgedRow], policy: GateSettings = POLICY, *measures: str) -> Decision:
    return gate.decide(found, policy, "a dataset", "regression", measures)


def failed(decision: Decision) -> list[str]:
    return [rule.name for rule in decision.rules if not rule.passed]


def test_the_first_good_model_is_promoted() -> None:
    decision = decide(judged(errors(40)))
    assert decision.verdict == "promote"
    assert decision.sentence == f"Promoted: the first model, MAE {decision.candidate.values['mae']:.5g} on 40 rows."
    assert failed(decision) == []


def test_a_better_one_is_promoted_and_the_sentence_tells_all_measures() -> None:
    decision = decide(judged(errors(100, 0.9), errors(100)))
    assert decision.verdict == "promote"
    for word in ("MAE", "RMSE", "R²", "against the champion's", "on 100 rows"):
        assert word in decision.sentence


@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.9, "promote"), (1.0, "promote"), (1.03, "keep"), (1.5, "reject")], ids=str
)
def test_verdicts(factor: float, verdict: str) -> None:
    """The candidate's errors are its own, and the champion's so many times as large."""
    champion, candidate = np.array(errors(400)), np.array(errors(400, seed=2)) / 2 + errors(400)
    candidate *= factor * (1 - 1e-9) * np.sqrt(np.mean(champion**2) / np.mean(candidate**2))
    decision = decide(judged(list(candidate), list(champion)), POLICY, "rmse", "r2")
    assert decision.verdict == verdict
    assert failed(decision) == ([] if verdict == "promote" else COMPARED[1:])


def test_a_loss_is_told_in_shares_of_the_champion_s_error() -> None:
    champion = errors(400)
    decision = decide(judged([1.5 * one for one in champion], champion))
    assert "(50.0% more error, 99% sure of at least 50.0% more error)" in decision.sentence
    rule = next(rule for rule in decision.rules if rule.name == COMPARED[0])
    assert rule.inputs["difference"] == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("setting", "value", "rule"),
    [("max_mae", 0.5, "MAE threshold"), ("max_rmse", 0.5, "RMSE threshold"), ("min_r2", 0.9999, "R² threshold")],
)
def test_thresholds_are_of_the_settings_and_none_without(setting: str, value: float, rule: str) -> None:
    rows = judged(errors(40))
    decision = decide(rows, POLICY.model_copy(update={setting: value}))
    assert (decision.verdict, failed(decision)) == ("reject", [rule])
    assert rule not in [found.name for found in decide(rows).rules]


def test_a_threshold_is_reached_by_its_own_value() -> None:
    rows = judged([0.5, -0.5] * 20)
    assert decide(rows, POLICY.model_copy(update={"max_mae": 0.5, "max_rmse": 0.5})).verdict == "promote"


@pytest.mark.parametrize(
    ("always", "asked", "passes"),
    [
        ("mean", {}, False),
        ("median", {}, False),
        ("mean", {"max_rmse": 1e6}, False),
        ("median", {"max_mae": 1e6}, False),
        ("mean", {"min_r2": -1e6}, False),
    ],
)
def test_answering_the_mean_or_the_median_is_not_enough(always: str, asked: dict[str, float], passes: bool) -> None:
    truths = [float(n**3) for n in range(40)]
    answer = float(np.mean(truths) if always == "mean" else np.median(truths))
    rows = [JudgedRow(str(n), truth, answer, None, False) for n, truth in enumerate(truths)]
    decision = decide(rows, POLICY.model_copy(update=asked))
    assert (decision.verdict, failed(decision)) == ("reject", ["above baseline"])


def test_the_baseline_is_that_of_what_the_settings_ask_for() -> None:
    """Better than the median by MAE; one answer that is far off makes it worse than the mean by RMSE."""
    rows = judged([0.0] * 39 + [200.0])
    assert decide(rows, POLICY.model_copy(update={"max_mae": 10.0})).verdict == "promote"
    assert failed(decide(rows)) == failed(decide(rows, POLICY.model_copy(update={"max_rmse": 100.0})))
    assert failed(decide(rows)) == ["above baseline"]


def test_right_on_every_row_is_never_rejected_even_where_all_truths_are_equal() -> None:
    rows = [JudgedRow(str(n), 0.1, 0.1, None, False) for n in range(40)]
    decision = decide(rows)
    assert (decision.verdict, decision.candidate.values) == ("promote", {"mae": 0.0, "rmse": 0.0, "r2": 1.0})


def test_a_task_may_be_judged_by_some_measures_alone() -> None:
    """Some answers are far off: RMSE is worse, MAE is not."""
    champion = errors(400)
    candidate = [0.5 * one for one in champion[8:]] + [8.0] * 8
    assert failed(decide(judged(candidate, champion))) == COMPARED[1:]
    alone = decide(judged(candidate, champion), POLICY, "mae")
    assert alone.verdict == "promote"
    assert alone.candidate.values.keys() == {"mae", "rmse", "r2"}, "all are told"
    assert alone.intervals["candidate"].keys() == {"MAE"}


def test_a_measure_of_the_other_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="regression has no measure 'accuracy': it has mae, rmse, r2"):
        decide(judged([0.0] * 10), POLICY, "accuracy")


@pytest.mark.parametrize(
    ("unit", "told"),
    [
        (12345.6, "MAE on all rows: 18518 against the champion's 12346 ("),
        (234567.8, "MAE on all rows: 351852 against the champion's 234568 ("),
        (0.00012, "MAE on all rows: 0.00018 against the champion's 0.00012 ("),
    ],
)
def test_sentences_tell_errors_in_full(unit: float, told: str) -> None:
    names = ("label", "candidate", "champion")
    rows = [
        replace(row, **{name: getattr(row, name) * unit for name in names}) for row in judged([1.5] * 60, [1.0] * 60)
    ]
    sentence = decide(rows).sentence
    assert told in sentence
    assert "e+" not in sentence


def test_where_any_factor_may_be_so_no_measure_is_told_a_bound() -> None:
    """One row of 20 has all the error: what the next 20 bring is not known."""
    champion = [0.0] * 19 + [1.0]
    found = {rule.name: rule.sentence for rule in decide(judged([0.0] * 18 + [1.0, 1.0], champion)).rules}
    for name in COMPARED:
        assert "too few rows, or too few errors, to be 95% sure of any bound" in found[name], found[name]


def test_against_no_error_at_all_no_share_is_told() -> None:
    found = {rule.name: rule.sentence for rule in decide(judged([1.0] * 20, [0.0] * 20)).rules}
    for name in COMPARED:
        assert "(1,000,000 times the error, 99% sure of at least 1,000,000 times the error)" in found[name], found[name]


def test_a_drop_cannot_hide_harm_behind_its_own_test_rows() -> None:
    candidate, champion = errors(60, 3.0, seed=2) + [0.0] * 100, errors(60) + [50.0] * 100
    decision = decide(judged(candidate, champion, old=60))
    assert decision.verdict == "reject"
    assert failed(decision) == [f"{name} on rows held out before" for name in ("MAE", "RMSE", "R²")]
    assert decision.fresh is not None
    assert decision.fresh.values["mae"] == 0


def test_a_collapsed_slice_is_seen_behind_a_better_average() -> None:
    champion = errors(240)
    candidate = [(0.1 if n < 200 else 1.6) * one for n, one in enumerate(champion)]
    rows = judged(candidate, champion)
    sliced = [replace(row, slice="old phones" if n >= 200 else "the web") for n, row in enumerate(rows)]
    decision = decide(sliced)
    assert (decision.verdict, failed(decision)) == ("reject", ["slices on all rows"])
    assert "'old phones' has 60.0% more error on 40 rows (p < 0.0001)" in decision.sentence
    assert not [rule for rule in decide(rows).rules if rule.name.startswith(("slices", "labels"))]


@pytest.mark.parametrize(("share", "verdict"), [(0.02, "keep"), (0.2, "promote")])
def test_small_losses_do_not_add_up(share: float, verdict: str) -> None:
    """The candidate equals the champion, but both have a tenth more error than the epoch's first model."""
    found = errors(60)
    since = [replace(row, anchor=n + found[n] / 1.1) for n, row in enumerate(judged(found, found))]
    decision = decide(since, POLICY.model_copy(update={"max_total_drop": share}))
    assert decision.verdict == verdict
    assert {f"{name} since the first model" for name in ("MAE", "RMSE", "R²")} <= {rule.name for rule in decision.rules}
    assert "(10.0% more error)" in " ".join(rule.sentence for rule in decision.rules)


def test_a_better_average_that_shares_nothing_with_the_champion_is_left_to_a_person() -> None:
    """Near on 10 rows and far on the others, against near on exactly these: as when truths change their meaning."""
    decision = decide(judged([30.0] * 10 + [0.0] * 90, [0.0] * 10 + [30.0] * 90))
    assert (decision.verdict, failed(decision)) == ("keep", ["something kept"])
    assert "on 0 of the 10 rows on which the champion is" in decision.sentence


@pytest.mark.parametrize("champion", [None, [0.0] * 9])
def test_too_few_rows_never_reject(champion: list[float] | None) -> None:
    decision = decide(judged([99.0] * 9, champion))
    assert decision.verdict == "keep"
    assert "9 held-out rows, at least 10 needed" in decision.sentence


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e200, "many"])
def test_what_is_no_usable_number_is_refused(value: Any) -> None:
    rows = judged([0.0] * 10)
    for wrong in (replace(rows[3], candidate=value), replace(rows[3], label=value)):
        with pytest.raises(ValueError, match=r"row 3: .* no usable number|could not convert"):
            decide([*rows[:3], wrong, *rows[4:]])


def test_a_decision_is_json_without_infinity() -> None:
    decision = decide(judged([1.0] + [0.0] * 19, [0.0] * 20, old=10))
    value: dict[str, Any] = json.loads(json.dumps(decision.to_json(), allow_nan=False))
    assert value["candidate"].keys() == {"rows", "mae", "rmse", "r2", "labels", "left_out"}
    assert value["confusion"] == {}
    assert value["verdict"] == "keep", "one row of a perfect champion's is lost: worse, and not surely so"


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=30))
def test_the_measures_are_scikit_learn_s(found: list[tuple[int, int]]) -> None:
    truths, answers = ([float(row[place]) for row in found] for place in (0, 1))
    rows = [JudgedRow("", truth, answer, None, False) for truth, answer in zip(truths, answers, strict=True)]
    values = Regression().scores(rows, "candidate").values
    theirs = (mean_absolute_error, root_mean_squared_error, r2_score)
    assert list(values.values()) == pytest.approx([theirs_of(truths, answers) for theirs_of in theirs])


def test_resamples_are_the_measures_of_rows_drawn_again() -> None:
    truths, answers = np.arange(30.0), np.arange(30.0) + errors(30)
    weights = np.random.default_rng(2).multinomial(30, np.full(30, 1 / 30), size=20).astype(float)
    for how in COMPUTED.values():
        drawn = how.of(truths, answers, weights)
        for counts, value in zip(weights.astype(int), drawn, strict=True):
            once = np.ones(30)
            assert value == pytest.approx(how.of(np.repeat(truths, counts), np.repeat(answers, counts), once))


def test_the_intervals_hold_the_measures() -> None:
    truths, answers = np.arange(100.0), np.arange(100.0) + errors(100)
    found = Errors(OF_KIND["regression"], truths, {"candidate": answers}, "seed")
    low, high = found.intervals()["candidate"]["MAE"]
    assert low < float(COMPUTED[MAE].of(truths, answers, np.ones(100))) < high
    assert high - low == pytest.approx(2 * 1.96 * np.abs(answers - truths).std() / 10, rel=0.1)
