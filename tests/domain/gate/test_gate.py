"""The gate: which candidate replaces the live model, which does not, and which shows that data did harm."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.gate import decision as gate
from domain.gate.types import Decision, JudgedRow, Rule
from domain.settings import GateSettings

POLICY = GateSettings(min_accuracy=0.6, min_macro_f1=0.5, min_test_rows=10, min_label_test_rows=2)
OPEN = GateSettings(min_accuracy=0, min_macro_f1=0, min_test_rows=1, min_label_test_rows=1)
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


def decide(found: list[JudgedRow], policy: GateSettings) -> Decision:
    return gate.decide(found, policy, seed="a dataset")


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
        (
            "." * 60 + "x" * 20,
            "." * 80,
            "reject",
            ["accuracy on all rows", "macro-F1 on all rows", "labels on all rows"],
        ),
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
def test_a_loss_within_what_is_allowed_is_promoted(max_drop: float, verdict: str) -> None:
    policy = POLICY.model_copy(update={"max_drop": max_drop, "margin": 0.1})
    assert decide(judged("." * 39 + "x", "." * 40), policy).verdict == verdict


def test_answering_the_commonest_label_is_not_enough() -> None:
    rows = [JudgedRow(str(n), "a" if n < 18 else "b", "a", None, False) for n in range(20)]
    decision = decide(rows, POLICY.model_copy(update={"min_macro_f1": 0.1}))
    assert (decision.verdict, failed(decision)) == ("reject", ["above baseline"])


def imbalanced(common: int, rare: int, wrong_common: int = 0, wrong_rare: int = 0) -> list[JudgedRow]:
    """Rows of "a", then of "b"; of each so many that the candidate has wrong."""
    truth = "a" * common + "b" * rare
    answers = "b" * wrong_common + "a" * (common - wrong_common + wrong_rare) + "b" * (rare - wrong_rare)
    return [JudgedRow(str(n), t, c, None, False) for n, (t, c) in enumerate(zip(truth, answers, strict=True))]


@pytest.mark.parametrize(("common", "rare"), [(100, 0), (97, 3), (60, 1), (0, 50)])
@pytest.mark.parametrize("policy", [POLICY, OPEN, GateSettings()], ids=["policy", "open", "default"])
def test_right_on_every_row_is_never_rejected(common: int, rare: int, policy: GateSettings) -> None:
    assert decide(imbalanced(common, rare), policy).verdict == "promote"


@pytest.mark.parametrize(
    ("min_accuracy", "min_macro_f1", "verdict"),
    [(0, 0.5, "promote"), (0.6, 0.5, "reject"), (0.6, 0, "reject"), (0, 0, "reject")],
)
def test_the_baseline_is_that_of_what_the_settings_ask_for(
    min_accuracy: float, min_macro_f1: float, verdict: str
) -> None:
    """All the rare rows are found, at the price of more false alarms than there are rare rows."""
    policy = POLICY.model_copy(update={"min_accuracy": min_accuracy, "min_macro_f1": min_macro_f1})
    decision = decide(imbalanced(97, 3, wrong_common=4), policy)
    assert (decision.verdict, decision.candidate.accuracy) == (verdict, 0.96)
    rule = next(rule for rule in decision.rules if rule.name == "above baseline")
    assert ("accuracy" in rule.inputs) == (min_accuracy > 0 or min_macro_f1 == 0)
    assert rule.passed == (verdict == "promote")


@given(rows=st.lists(st.sampled_from("abc"), min_size=12, max_size=60), asked=st.sampled_from([(0, 0.01), (0.01, 0)]))
def test_the_commonest_answer_never_passes_as_a_model(rows: list[str], asked: tuple[float, float]) -> None:
    assume(len(set(rows)) > 1)
    commonest = max(sorted(set(rows)), key=rows.count)
    policy = OPEN.model_copy(update={"min_accuracy": asked[0], "min_macro_f1": asked[1]})
    found = [JudgedRow(str(n), label, commonest, None, False) for n, label in enumerate(rows)]
    assert "above baseline" in failed(decide(found, policy))


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
        "something kept",
        "accuracy on all rows",
        "macro-F1 on all rows",
        "labels on all rows",
        "accuracy on rows held out before",
        "macro-F1 on rows held out before",
        "labels on rows held out before",
    ]


def test_a_gain_on_too_few_rows_to_be_sure_is_kept() -> None:
    """One row better, but 9 lost and 10 won of 40: the loss could as well be over the margin."""
    champion, candidate = "." * 30 + "x" * 10, "." * 21 + "x" * 9 + "." * 10
    decision = decide(judged(candidate, champion), POLICY)
    assert (decision.verdict, failed(decision)) == ("keep", ["accuracy on all rows", "macro-F1 on all rows"])
    assert "(+0.0250, 95% sure above -0." in decision.sentence


def test_a_loss_that_is_sure_but_small_harms_nobody() -> None:
    rows = judged("." * 9_900 + "x" * 100, "." * 10_000)
    loss = "99% sure below -0.00"
    sure = decide(rows, POLICY.model_copy(update={"min_harm": 0.0}))
    assert sure.verdict == "reject"
    assert loss in sure.sentence
    assert decide(rows, POLICY.model_copy(update={"min_harm": 0.02})).verdict == "keep"


def test_a_collapsed_label_is_seen_behind_a_better_average() -> None:
    # 200 rows of "a", where 60 are won, and 40 of "b", where 20 are lost.
    labels = "a" * 200 + "b" * 40
    decision = decide(
        judged("." * 200 + "." * 20 + "x" * 20, "x" * 60 + "." * 140 + "." * 40, labels=labels),
        POLICY.model_copy(update={"max_drop": 1.0, "margin": 1.0}),
    )
    assert (decision.verdict, failed(decision)) == ("reject", ["labels on all rows"])
    assert "'b' lost 20 and won 0 of 40 rows" in decision.sentence


def test_a_collapsed_slice_is_seen_behind_a_better_average() -> None:
    rows = judged("." * 200 + "." * 20 + "x" * 20, "x" * 60 + "." * 140 + "." * 40)
    sliced = [replace(row, slice="old phones" if n >= 200 else "the web") for n, row in enumerate(rows)]
    decision = decide(sliced, POLICY.model_copy(update={"max_drop": 1.0, "margin": 1.0}))
    assert (decision.verdict, failed(decision)) == ("reject", ["slices on all rows"])
    assert "'old phones' lost 20 and won 0 of 40 rows" in decision.sentence
    assert "slices on all rows" not in [rule.name for rule in decide(rows, POLICY).rules]


@pytest.mark.parametrize(("share", "verdict"), [(0.02, "keep"), (0.04, "promote")])
def test_small_losses_do_not_add_up(share: float, verdict: str) -> None:
    """The candidate equals the champion, but both are 3 points below the epoch's first model."""
    rows = judged("." * 97 + "xxx", "." * 97 + "xxx")
    since = [replace(row, anchor=row.label) for row in rows]
    decision = decide(since, POLICY.model_copy(update={"max_total_drop": share}))
    assert decision.verdict == verdict
    named = {"accuracy since the first model", "macro-F1 since the first model"}
    assert named <= {rule.name for rule in decision.rules}


def test_the_intervals_hold_the_scores() -> None:
    decision = decide(judged("." * 80 + "x" * 20, "." * 70 + "x" * 30), POLICY)
    assert decision.intervals.keys() == {"candidate", "champion"}
    low, high = decision.intervals["candidate"]["accuracy"]
    assert low < 0.8 < high
    assert (low, high) == pytest.approx((0.72, 0.87), abs=0.02), "about 1.96 * sqrt(0.8 * 0.2 / 100) to each side"


def test_the_same_answers_get_the_same_verdict_from_the_same_seed() -> None:
    rows = judged("." * 80 + "x" * 20, "x" * 15 + "." * 85)
    assert gate.decide(rows, POLICY, seed="one") == gate.decide(rows, POLICY, seed="one")
    assert gate.decide(rows, POLICY, seed="one").intervals != gate.decide(rows, POLICY, seed="two").intervals


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
nothing_or_name = st.none() | names
rows = st.lists(
    st.builds(JudgedRow, st.just("id"), names, names, names, st.booleans(), nothing_or_name, nothing_or_name),
    min_size=1,
    max_size=60,
)
policies = st.builds(
    GateSettings,
    min_accuracy=st.floats(0, 1),
    min_macro_f1=st.floats(0, 1),
    max_drop=st.floats(0, 0.1),
    margin=st.floats(0.1, 0.3),
    min_test_rows=st.integers(1, 80),
    max_test_rows=st.just(1000),
    min_label_test_rows=st.integers(1, 10),
)


@given(rows, policies)
def test_identical_predictions_fail_no_rule_of_comparison(found: list[JudgedRow], policy: GateSettings) -> None:
    same = [replace(row, champion=row.candidate, anchor=row.candidate) for row in found]
    alone = {"enough rows", "accuracy threshold", "macro-F1 threshold", "above baseline"}
    assert not set(failed(decide(same, policy))) - alone


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
    worse = [replace(row, candidate=row.candidate if row.champion == row.label else str(row.champion)) for row in found]
    assume(any(row.champion == row.label != row.candidate for row in worse))
    assert decide(worse, OPEN).verdict != "promote"


@given(rows, policies | st.just(OPEN), st.booleans())
def test_who_is_wrong_wherever_the_champion_is_right_is_never_promoted(
    found: list[JudgedRow], policy: GateSettings, elsewhere: bool
) -> None:
    """Whatever its average: `elsewhere` makes it right on every other row."""
    opposite = [
        replace(row, candidate="wrong")
        if row.champion == row.label
        else replace(row, candidate=row.label if elsewhere else row.candidate)
        for row in found
    ]
    assume(any(row.champion == row.label for row in opposite))
    assert decide(opposite, policy).verdict != "promote"


def test_a_better_average_that_shares_nothing_with_the_champion_is_left_to_a_person() -> None:
    decision = decide(judged("x" + "." * 79, "." + "x" * 79), POLICY)
    assert (decision.verdict, failed(decision)) == ("keep", ["something kept"])
    assert "right on 0 of the 1 rows on which the champion is right" in decision.sentence


@given(rows, policies)
def test_whoever_is_promoted_meets_every_rule(found: list[JudgedRow], policy: GateSettings) -> None:
    decision = decide(found, policy)
    assert (decision.verdict == "promote") == (not failed(decision))


RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from(["enough rows", "accuracy threshold", "labels on all rows"]),
        st.booleans(),
        st.sampled_from(["keep", "reject"]),
        st.just("because"),
        st.just({}),
    ),
    max_size=6,
)


@given(RULES, RULES)
def test_adding_a_rule_never_turns_another_verdict_into_promote(found: list[Rule], more: list[Rule]) -> None:
    scores = gate.decide(judged("..", ".."), OPEN, seed="").candidate
    if gate.conclude(found, scores, scores)[0] != "promote":
        assert gate.conclude([*found, *more], scores, scores)[0] != "promote"
