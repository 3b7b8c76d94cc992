"""One spelling for each value, and nothing that cannot be seen."""

from __future__ import annotations

import hashlib
import json

import pytest

from domain.data.records import Column, Contract, RowRejected, parse_row
from domain.data.spelling import READING, TooManyMarks, alike, category, is_no_label, normalize, plain

CONTRACT = Contract((Column("text", 1000),), "label", "author", 10, 10, slice="text")
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"), (1.0, "1"), (-0.0, "0"), (-3.0, "-3"), (2.5, "2.5"), (True, "true"), (False, "false"),
        (1e20, "1" + "0" * 20), (1e23, "1" + "0" * 23), (9007199254740993, "9007199254740993"), (1e-7, "1e-07"),
        (float("inf"), None), (float("nan"), None), (None, None), ([], None),
    ],
)  # fmt: skip
def test_a_number_has_one_spelling(value: object, text: str | None) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("1.0", "1"), ("-2.00", "-2"), ("-0.0", "0"), ("007.0", "007"), ("True", "true"), ("FALSE", "false"),
        *((same, same) for same in ("1.5", "1.50", "1e3", "007", "1.", ".0", "tRue", "10", "v1.0", "1.0.0")),
    ],
)  # fmt: skip
def test_a_category_is_spelled_alike_and_a_feature_stays_as_typed(typed: str, text: str) -> None:
    assert category(typed) == text
    row, _ = parse_row({"text": typed, "label": typed, "author": typed}, CONTRACT)
    assert (row.features["text"], row.label, row.group, row.slice) == (typed, text, text, text)


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e400])
def test_what_is_beyond_all_bounds_is_refused(value: float) -> None:
    with pytest.raises(RowRejected) as refused:
        parse_row({"text": "a", "label": value, "author": "b"}, CONTRACT)
    assert refused.value.rule == "not-finite"


@pytest.mark.parametrize(
    "unseen", list("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u202e\u2066\u061c\u034f\u3164\ufe0f\U000e0041")
)
def test_what_cannot_be_seen_does_not_count_at_the_ends(unseen: str) -> None:
    assert normalize(f"{unseen} {unseen}a b{unseen}") == "a b"
    assert normalize(unseen * 3) == ""


@pytest.mark.parametrize("unseen", list("\u200b\u2060\ufeff\u00ad\u200e\u200f\u202e\u2066\u2069\u061c"))
def test_some_of_it_does_not_count_anywhere(unseen: str) -> None:
    assert normalize(f"co{unseen}operate e{unseen}\u0301") == "cooperate \u00e9"


@pytest.mark.parametrize(
    "text",
    ["می\u200cخواهم", "ක්\u200dෂ", "I love it \u2764\ufe0f", "\U0001f468\u200d\U0001f469\u200d\U0001f467", ENGLAND,
     "1\ufe0f\u20e3", "ไทย\u200bไทย", "葛\U000e0100"],
)  # fmt: skip
def test_joiners_within_and_emoji_stay(text: str) -> None:
    assert normalize(text) == text
    assert normalize(f"\ufeff{text}\u200b ") == text


@pytest.mark.parametrize("mark", ["\u0301", "\u0323\u0301", "\u0f73"])
def test_marks_on_one_letter_are_bounded(mark: str) -> None:
    assert normalize("a" + mark * 15 + "b")
    with pytest.raises(TooManyMarks):
        normalize("words " + "a" + mark * 31)
    with pytest.raises(RowRejected) as refused:
        parse_row({"text": "a" + mark * 400, "label": "b", "author": "c"}, CONTRACT)
    assert refused.value.rule == "marks"
    with pytest.raises(RowRejected) as refused:
        parse_row({"text": "a" + mark * 80_000, "label": "b", "author": "c"}, CONTRACT)
    assert refused.value.rule == "too-long", "its length is looked at first"


def test_labels_that_are_alike_or_none_are_known() -> None:
    assert len({alike(label) for label in ("Very good", "very  good", "VERYGOOD", "ｖｅｒｙ good")}) == 1
    assert all(is_no_label(label, "Label") for label in ("-1", "NaN", "None", "label", "N/A"))
    assert not any(is_no_label(label, "label") for label in ("0", "1", "no", "labels"))


def test_the_rules_are_known_by_their_number() -> None:
    """Other rules give other rows: where this fails, raise READING and write down what the rules give now."""
    cells = [
        "a\u200b",
        "co\u00adop",
        " x\u00a0y ",
        "\u2764\ufe0f",
        "1.0",
        "TRUE",
        1.0,
        1e20,
        True,
        "e\u0301",
        "ก\u200bข",
    ]
    rows = [parse_row({"text": cell, "label": cell, "author": cell}, CONTRACT) for cell in cells]
    text = json.dumps(rows, sort_keys=True)
    assert (READING, hashlib.sha256(text.encode()).hexdigest()[:16]) == (2, "0db4cfece54d8816")
