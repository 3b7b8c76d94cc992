"""How good answers are by a task's kind, without a gate: what a training job says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.gate.kinds import scored
from domain.gate.scores import score
from domain.gate.types import Value
from domain.settings import Kind


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=40))
def test_labels_are_scored_as_ever(rows: list[tuple[str, str]]) -> None:
    truths, answers = ([row[place] for row in rows] for place in (0, 1))
    assert scored("classification", truths, answers) == score(truths, answers)


def test_numbers_are_scored_by_how_far_off_they_are() -> None:
    found = scored("regression", [0.0, 10000.0, 20000.0], [1.0, 10000.0, 20000.00000012])
    assert found.values["mae"] == pytest.approx((1 + 1.2e-7) / 3)
    assert found.brief() == {"rows": 3, **found.values, "r2": 1.0}, "an error is not rounded: it may be a small one"


@pytest.mark.parametrize(
    ("kind", "truths", "answers", "reason"),
    [
        ("classification", [], [], "0 truths and 0 answers"),
        ("regression", [1.0, 2.0], [1.0], "2 truths and 1 answers"),
        ("regression", [1.0, 2.0], [1.0, float("nan")], "row 1: candidate is nan, no usable number"),
    ],
)
def test_what_cannot_be_scored_is_refused(kind: Kind, truths: list[Value], answers: list[Value], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        scored(kind, truths, answers)
