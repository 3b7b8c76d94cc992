"""Golden rows: which are chosen, and what counts as a different answer."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.golden_rows import (
    MAX_BYTES,
    ROWS,
    SCORE_TOLERANCE,
    Golden,
    choose,
    choose_numbers,
    disagreement,
    read,
    tolerance,
)


def test_labels_take_turns_and_the_surest_come_first() -> None:
    rows = [("a1", "a", "a", 0.6), ("a2", "a", "b", 0.9), ("a3", "a", "a", 0.7), ("b1", "b", "b", 0.5)]
    assert [row["inputs"] for row in choose(rows, most=3)] == ["a2", "b1", "a3"]
    assert choose(rows, most=1) == [{"inputs": "a2", "label": "b", "score": 0.9}]


rows = st.lists(
    st.tuples(st.text(max_size=5), st.sampled_from("abc"), st.sampled_from("abc"), st.floats(0, 1)), max_size=60
)


@given(rows)
def test_as_many_as_there_are_up_to_the_most(found: list[tuple[str, str, str, float]]) -> None:
    assert len(choose(found)) == min(len(found), ROWS)


@given(rows, st.randoms())
def test_the_order_of_rows_does_not_matter(found: list[tuple[str, str, str, float]], chance: Random) -> None:
    distinct = list({row[0]: row for row in found}.values())
    shuffled = list(distinct)
    chance.shuffle(shuffled)
    assert choose(shuffled) == choose(distinct)


@given(rows.filter(bool))
def test_every_label_is_asked_as_long_as_there_is_room(found: list[tuple[str, str, str, float]]) -> None:
    first_turn = choose(found)[: len({truth for _, truth, _, _ in found})]
    texts = {row["inputs"] for row in first_turn}
    assert all(any(text in texts for text, label, _, _ in found if label == truth) for _, truth, _, _ in found)


def test_texts_too_long_for_one_request_are_left_out_unless_there_is_nothing_else() -> None:
    long, longer = ("x" * (MAX_BYTES + 1), "a", "a", 0.9), ("y" * (MAX_BYTES + 2), "b", "b", 0.9)
    assert [row["inputs"] for row in choose([longer, ("short", "a", "a", 0.1), long])] == ["short"]
    assert [row["inputs"] for row in choose([longer, long])] == [long[0]]


GOLDEN: list[Golden] = [{"inputs": "one", "label": "a", "score": 0.9}, {"inputs": "two", "label": "b", "score": 0.8}]


def test_the_same_answers_agree() -> None:
    assert disagreement(GOLDEN, [("a", 0.9), ("b", 0.8)], SCORE_TOLERANCE) is None
    assert (
        disagreement(
            GOLDEN, [("a", 0.9 - SCORE_TOLERANCE + 1e-9), ("b", 0.8 + SCORE_TOLERANCE - 1e-9)], SCORE_TOLERANCE
        )
        is None
    )


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([("a", 0.9)], "1 answers to 2 golden rows"),
        ([("b", 0.9), ("b", 0.8)], "1 of 2 golden rows differ: row 1: expected a 0.900, got b 0.900"),
        (
            [("a", 0.9), ("b", 0.8 - SCORE_TOLERANCE - 0.01)],
            "1 of 2 golden rows differ: row 2: expected b 0.800, got b 0.7",
        ),
        ([("b", 0.8), ("a", 0.9)], "2 of 2 golden rows differ"),
    ],
)
def test_another_label_score_or_number_of_answers_is_a_disagreement(
    answers: list[tuple[str, float]], words: str
) -> None:
    assert words in str(disagreement(GOLDEN, answers, SCORE_TOLERANCE))


def test_what_an_earlier_release_kept_is_read() -> None:
    rows = [{"text": "fine", "label": "a", "score": 0.5}, {"inputs": {"age": 3}, "label": "b", "score": 0.25}]
    assert [row["inputs"] for row in read(rows)] == ["fine", {"age": 3}]


def test_numbers_are_asked_from_the_least_to_the_largest() -> None:
    rows = [({"age": age}, "price", age * 1000.0) for age in (3, 1, 2, 9, 5)]
    assert [row["score"] for row in choose_numbers(rows, most=3)] == [1000.0, 3000.0, 9000.0]
    assert len(choose_numbers(rows)) == 5
    assert [row["score"] for row in choose_numbers(rows, most=1)] == [1000.0]
    long = [("x" * (MAX_BYTES + 1), "price", 2.0), ("y" * (MAX_BYTES + 2), "price", 1.0)]
    assert [row["score"] for row in choose_numbers(long)] == [2.0]


def test_how_far_a_number_may_be_off_depends_on_how_far_they_are_apart() -> None:
    numbers: list[Golden] = [
        {"inputs": "one", "label": "price", "score": 1e6},
        {"inputs": "two", "label": "price", "score": 3e6},
    ]
    allowed = tolerance(numbers, "regression")
    assert allowed == pytest.approx(SCORE_TOLERANCE * 2e6)
    assert disagreement(numbers, [("price", 1e6), ("price", 3e6 + allowed / 2)], allowed) is None
    assert "row 2: expected price 3000000, got price 3200000" in str(
        disagreement(numbers, [("price", 1e6), ("price", 3.2e6)], allowed)
    )
    assert tolerance(numbers, "classification") == SCORE_TOLERANCE
    same = float(np.float32(1e6 / 3))
    one: list[Golden] = [{"inputs": "one", "label": "price", "score": 1e6 / 3}]
    assert disagreement(one, [("price", same)], tolerance(one, "regression")) is None
    assert disagreement(one, [("price", same * 1.001)], tolerance(one, "regression"))
