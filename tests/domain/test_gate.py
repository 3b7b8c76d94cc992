"""The gate: which candidate replaces the live model, which does not, and which shows that data did harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.config import GateSettings
from domain.gate import Decision, JudgedRow, decide

POLICY = GateSettings(min_accuracy=0.6, min_macro_f1=0.5, min_test_rows=10, min_label_rows=2)
OPEN = GateSettings(min_accuracy=0, min_macro_f1=0, min_test_rows=1, min_label_rows=1)
LABELS = "ab"


def judged(
    candidate: str, champion: str | None = None, *, labels: str | None = None, old: int | None = None
) -> list[JudgedRow]:
    """One row a letter: "." is right, anything else wrong. Of `old` rows the champion knew, the rest are fresh."""
    labels = labels or (LABELS * len(candidate))[: len(candidate)]
    known = len(candidate) if old is None else old

    def answer(mark: str, label: str) -> str:
        return label if mark == "." else LABELS[1 - LABELS.index(label)]

    return [
        JudgedRow(
            str(n),
            label,
            answer(mark, label),
            answer(champion[n], label) if champion else None,
            bool(champion) and n < known,
        )
        for n, (mark, label) in enumerate(zip(candidate, labels, strict=True))
    ]


def failed(decision: Decision) -> list[str]:
    return [rule.name for rule in decision.rules if not rule.passed]


def test_the_first_good_model_is_promoted() -> None:
    decision = decide(judged("." * 18 + "xx"), POLICY)
    assert decision.verdict == "promote"
    assert "the first model, accuracy 0.9000 on 20 rows" in decision.sentence
    assert decision.champion is None
    assert decision.fresh is None


@pytest.mark.parametrize(
    ("candidate", "champion", "verdict", "rules"),
    [
        ("." * 10 + "x" * 10, None, "reject", ["accuracy threshold", "above baseline"]),
        ("." * 19 + "x", "." * 18 + "xx", "promote", []),
        ("." * 18 + "xx", "." * 18 + "xx", "promote", []),
        ("." * 79 + "x", "." * 80, "keep", ["accuracy on all rows", "macro-F1 on all rows"]),
        ("." * 60 + "x" * 20, "." * 80, "reject", ["accuracy on all rows", "macro-F1 on all rows"]),
    ],
    ids=["too weak", "better", "equal", "slightly worse", "much worse"],
)
def test_verdicts(candidate: str, champion: str | None, verdict: str, rules: list[str]) -> None:
    decision = decide(judged(candidate, champion), POLICY)
    assert decision.verdict == verdict
    assert [name for name in failed(decision) if "held out before" not in name] == rules


@pytest.mark.parametrize(("accuracy", "verdict"), [(0.8, "promote"), (0.8001, "reject")])
def test_a_threshold_is_reached_by_its_own_value(accuracy: float, verdict: str) -> None:
    policy = POLICY.model_copy(update={"min_accuracy": accuracy})
    assert decide(judged("." * 16 + "x" * 4), policy).verdict == verdict


@pytest.mark.parametrize(("max_drop", "verdict"), [(0.0, "keep"), (0.05, "promote")])
def test_a_drop_within_what_is_allowed_is_promoted(max_drop: float, verdict: str) -> None:
    policy = POLICY.model_copy(update={"max_drop": max_drop, "margin": 0.1})
    assert decide(judged("." * 39 + "x", "." * 40), policy).verdict == verdict


def test_answering_the_commonest_label_is_not_enough() -> None:
    rows = [JudgedRow(str(n), "a" if n < 18 else "b", "a", None, False) for n in range(20)]
    decision = decide(rows, POLICY.model_copy(update={"min_macro_f1": 0.1}))
    assert (decision.verdict, failed(decision)) == ("reject", ["above baseline"])


def test_a_drop_cannot_hide_harm_behind_its_own_test_rows() -> None:
    # 40 rows held out before, on which the candidate lost; 60 fresh ones, on which the champion knows nothing.
    candidate, champion = "." * 30 + "x" * 10 + "." * 60, "." * 40 + "x" * 60
    decision = decide(judged(candidate, champion, old=40), POLICY)
    assert decision.verdict == "reject"
    assert failed(decision) == ["accuracy on rows held out before", "macro-F1 on rows held out before"]
    assert decision.fresh is not None
    assert decision.fresh.accuracy == 1.0


@pytest.mark.parametrize("champion", [None, "." * 9])
def test_too_few_rows_never_reject(champion: str | None) -> None:
    decision = decide(judged("x" * 9, champion), POLICY)
    assert decision.verdict == "keep"
    assert "9 held-out rows, at least 10 needed" in decision.sentence


def test_every_rule_is_reported_whether_or_not_it_decided() -> None:
    names = [rule.name for rule in decide(judged("." * 20, "." * 20, old=10), POLICY).rules]
    assert names == [
        "enough rows",
        "accuracy threshold",
        "macro-F1 threshold",
        "above baseline",
        "accuracy on all rows",
        "macro-F1 on all rows",
        "accuracy on rows held out before",
        "macro-F1 on rows held out before",
    ]


def test_a_decision_is_json() -> None:
    value: dict[str, Any] = json.loads(json.dumps(decide(judged("." * 20, "." * 20, old=10), POLICY).to_json()))
    assert value["verdict"] == "promote"
    assert value["rules"][0]["inputs"] == {"rows": 20, "needed": 10}


@pytest.mark.parametrize(
    ("rows", "why"),
    [([], "no held-out rows"), ([*judged("."), *judged(".", ".")], "answered 1 of 2 rows")],
)
def test_what_cannot_be_judged_is_refused(rows: list[JudgedRow], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decide(rows, POLICY)


# ---- laws ---------------------------------------------------------------------------

names = st.sampled_from("abc")
rows = st.lists(st.builds(JudgedRow, st.just("id"), names, names, names, st.booleans()), min_size=1, max_size=60)
policies = st.builds(
    GateSettings,
    min_accuracy=st.floats(0, 1),
    min_macro_f1=st.floats(0, 1),
    max_drop=st.floats(0, 0.1),
    margin=st.floats(0.1, 0.3),
    min_test_rows=st.integers(1, 80),
    max_test_rows=st.just(1000),
    min_label_rows=st.integers(1, 10),
)


@given(rows, policies)
def test_identical_predictions_fail_no_rule_of_comparison(found: list[JudgedRow], policy: GateSettings) -> None:
    same = [JudgedRow(row.id, row.label, row.candidate, row.candidate, row.held_out_before) for row in found]
    assert not [name for name in failed(decide(same, policy)) if " on " in name]


@given(rows, policies, st.randoms())
def test_the_order_of_rows_never_matters(found: list[JudgedRow], policy: GateSettings, chance: Any) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert decide(shuffled, policy) == decide(found, policy)


@given(rows, policies)
def test_too_few_rows_never_decide_anything(found: list[JudgedRow], policy: GateSettings) -> None:
    assume(len(found) < policy.min_test_rows)
    assert decide(found, policy).verdict == "keep"


@given(rows)
def test_a_strictly_worse_candidate_is_never_promoted(found: list[JudgedRow]) -> None:
    """Right nowhere where the champion is wrong, and wrong somewhere where it is right."""
    worse = [
        JudgedRow(
            row.id,
            row.label,
            row.candidate if row.champion == row.label else str(row.champion),
            row.champion,
            row.held_out_before,
        )
        for row in found
    ]
    assume(any(row.champion == row.label != row.candidate for row in worse))
    assert decide(worse, OPEN).verdict != "promote"


@given(rows)
def test_who_is_wrong_wherever_a_champion_that_is_mostly_right_is_right_is_never_promoted(
    found: list[JudgedRow],
) -> None:
    opposite = [
        JudgedRow(
            row.id, row.label, row.label if row.champion != row.label else "wrong", row.champion, row.held_out_before
        )
        for row in found
    ]
    right = sum(row.champion == row.label for row in opposite)
    assume(2 * right > len(opposite))
    assert decide(opposite, OPEN).verdict != "promote"


@given(rows, policies)
def test_whoever_is_promoted_meets_every_rule(found: list[JudgedRow], policy: GateSettings) -> None:
    decision = decide(found, policy)
    assert (decision.verdict == "promote") == (not failed(decision))
