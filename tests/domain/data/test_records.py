"""The record contract: who a row is, where it belongs, and what is refused."""

from __future__ import annotations

import hashlib
import json
import sys
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data.records import Column, Contract, Row, RowRejected, normalize, parse_row, row_id
from domain.data.splits import split_of

CONTRACT = Contract((Column("text", 1000),), "label", None, test_percent=10, validation_percent=10)
GROUPED = Contract((Column("text", 1000),), "label", "author", test_percent=10, validation_percent=10)
SLICED = Contract((Column("text", 1000),), "label", None, test_percent=10, validation_percent=10, slice="device")

# What a file can hold: any text but half surrogates and NUL, and something besides white space.
UNSEEN: dict[int, None] = dict.fromkeys(
    [0xAD, 0x61C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x2070), 0xFEFF]
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200).filter(
    lambda text: bool(normalize(text))
)
blanks = st.text(st.sampled_from(" \t\n\r\u00a0\u2003\u2028\u3000"), min_size=1, max_size=4)


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


@given(texts)
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@given(st.lists(st.text(max_size=5) | st.sampled_from([" ", "  ", "\u00a0", "\u3000", "\x1f"])).map("".join))
def test_normalized_is_composed_and_folded_whatever_the_text(text: str) -> None:
    assert normalize(f"a{text}z".translate(UNSEEN)) == folded(f"a{text}z".translate(UNSEEN))


def test_all_white_space_that_is_folded_is_seen_and_what_is_unseen_is_dropped() -> None:
    for code in range(sys.maxunicode + 1):
        text = f"a{chr(code)}b"
        assert normalize(text) == ("ab" if code in UNSEEN else folded(text))


@given(texts, texts, st.none() | texts, st.none() | texts)
def test_ids_and_lines_are_what_the_json_module_makes_of_them(
    one: str, other: str, group: str | None, part: str | None
) -> None:
    features = {"title": one, "body": other}
    canonical = json.dumps(features, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row_id(features) == hashlib.sha256(canonical.encode()).hexdigest()
    value = {"id": "0", "features": features, "label": "a", "group": group, "slice": part}
    given_ones = {name: found for name, found in value.items() if found is not None}
    line = json.dumps(given_ones, separators=(",", ":"), ensure_ascii=False)
    assert Row("0", features, "a", group, part).to_json() == line


@given(texts, blanks, st.sampled_from(["NFC", "NFD"]))
def test_a_row_is_the_same_row_in_other_white_space_and_composition(text: str, blank: str, form: str) -> None:
    other = blank + blank.join(unicodedata.normalize(form, text).split()) + blank  # type: ignore[arg-type]
    row, split = parse_row({"text": text, "label": "a"}, CONTRACT)
    again, split_again = parse_row({"text": other, "label": " a\n"}, CONTRACT)
    assert (again, split_again) == (row, split)


@given(st.lists(texts, min_size=1, max_size=20), st.lists(texts, max_size=20))
def test_a_row_never_changes_its_split_as_data_grows(rows: list[str], more: list[str]) -> None:
    def splits(of: list[str]) -> dict[str, str]:
        parsed = [parse_row({"text": text, "label": "a"}, CONTRACT) for text in of]
        return {row.id: split for row, split in parsed}

    before, after = splits(rows), splits([*more, *rows])
    assert before.items() <= after.items()


@given(texts, texts, texts)
def test_label_and_further_columns_do_not_move_a_row(text: str, label: str, other: str) -> None:
    row, split = parse_row({"text": text, "label": "a"}, CONTRACT)
    relabelled, split_again = parse_row({"text": text, "label": label[:200], "other": other}, CONTRACT)
    assert (relabelled.id, split_again) == (row.id, split)


@given(texts, texts, texts)
def test_a_group_stays_together(one: str, two: str, author: str) -> None:
    splits = {parse_row({"text": text, "label": "a", "author": author}, GROUPED)[1] for text in (one, two)}
    assert len(splits) == 1


@given(texts)
def test_a_row_survives_its_json_line(text: str) -> None:
    row, _ = parse_row({"text": text, "label": "a", "author": "b"}, GROUPED)
    line = row.to_json()
    assert "\n" not in line
    assert json.loads(line) == {"id": row.id, "features": row.features, "label": "a", "group": "b"}


@given(texts, st.sampled_from(["phone", 7, None]))
def test_a_slice_moves_no_row_and_survives_its_json_line(text: str, device: object) -> None:
    row, split = parse_row({"text": text, "label": "a", "device": device}, SLICED)
    plain, split_without = parse_row({"text": text, "label": "a"}, CONTRACT)
    assert (row.id, split) == (plain.id, split_without)
    assert Row(**json.loads(row.to_json())) == row


@pytest.mark.parametrize("nothing", [{}, *({"device": value} for value in (None, "", " \t", float("nan")))])
def test_without_a_value_for_it_a_row_belongs_to_no_slice(nothing: dict[str, object]) -> None:
    row, _ = parse_row({"text": "a", "label": "b", **nothing}, SLICED)
    assert row.slice is None
    assert "slice" not in row.to_json()


def test_a_slice_is_a_plain_value_like_any_other() -> None:
    assert parse_row({"text": "a", "label": "b", "device": False}, SLICED)[0].slice == "false"
    with pytest.raises(RowRejected, match="'device' holds a list"):
        parse_row({"text": "a", "label": "b", "device": []}, SLICED)


@pytest.mark.parametrize(
    ("place", "split"), [(0, "test"), (9, "test"), (10, "validation"), (19, "validation"), (20, "train"), (99, "train")]
)
def test_the_split_is_the_first_32_bits_modulo_100(place: int, split: str) -> None:
    assert split_of(f"{place + 100 * 7:08x}" + "f" * 56, 10, 10) == split


def test_the_id_is_known_for_ever() -> None:
    # By sha256sum; written down since another hash or normalization would move every row.
    assert row_id({"text": "Grüße, Welt"}) == "cd5e3b8028b8507183ecced7822ea9625375f56760579999e4c14553a5124c4a"


def test_shares_come_out_as_set() -> None:
    splits = [parse_row({"text": f"row {number}", "label": "a"}, CONTRACT)[1] for number in range(5000)]
    assert 400 < splits.count("test") < 600
    assert 400 < splits.count("validation") < 600


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (2.5, "2.5"), (True, "true"), (False, "false"), (" a\tb ", "a b"), ("e\u0301", "\u00e9")],
)
def test_plain_values_become_text(value: object, text: str) -> None:
    assert parse_row({"text": value, "label": "a"}, CONTRACT)[0].features == {"text": text}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"label": "a"}, "'text' is missing"),
        ({"text": "a"}, "'label' is missing"),
        ({"text": None, "label": "a"}, "'text' is missing"),
        ({"text": "a", "label": float("nan")}, "'label' is missing"),
        ({"text": " \u00a0\n", "label": "a"}, "'text' is empty"),
        ({"text": "a", "label": ""}, "'label' is empty"),
        ({"text": {"deep": 1}, "label": "a"}, "'text' holds a list or an object"),
        ({"text": ["a"], "label": "a"}, "'text' holds a list"),
        ({"text": "a\x00b", "label": "a"}, "NUL"),
        ({"text": "half \ud83d of a pair", "label": "a"}, "surrogate"),
        ({"text": "a", "label": "\udc00"}, "surrogate"),
        ({"text": "x" * 1001, "label": "a"}, "1001 characters, over the limit of 1000"),
        ({"text": "a", "label": "x" * 257}, "over the limit of 256"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_its_column(row: dict[str, object], why: str) -> None:
    with pytest.raises(RowRejected, match=why):
        parse_row(row, CONTRACT)


CLOSED = replace(CONTRACT, labels=frozenset({"pos", "neg"}))


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"label": "pos"}, "missing"),
        ({"text": "", "label": "pos"}, "empty"),
        ({"text": [], "label": "pos"}, "not-plain"),
        ({"text": "a\x00", "label": "pos"}, "nul"),
        ({"text": "\ud800", "label": "pos"}, "surrogate"),
        ({"text": "x" * 1001, "label": "pos"}, "too-long"),
        ({"text": "a", "label": "Pos"}, "label-not-allowed"),
    ],
)
def test_each_rule_has_a_name_that_lasts(row: dict[str, object], rule: str) -> None:
    with pytest.raises(RowRejected) as rejected:
        parse_row(row, CLOSED)
    assert rejected.value.rule == rule


def test_a_closed_set_of_labels_names_those_it_allows() -> None:
    assert parse_row({"text": "a", "label": " pos "}, CLOSED)[0].label == "pos"
    with pytest.raises(RowRejected, match=r"'label' is none of the labels allowed \('neg', 'pos'\)") as rejected:
        parse_row({"text": "a", "label": "positive"}, CLOSED)
    assert rejected.value.value == "positive"


def test_the_schema_lists_features_label_and_group() -> None:
    contract = replace(GROUPED, labels=frozenset({"a", "b"}))
    assert [(column.name, column.max_chars) for column in contract.columns] == [
        ("text", 1000), ("label", 256), ("author", 1024),
    ]  # fmt: skip
    assert [column.allowed for column in contract.columns] == [None, frozenset({"a", "b"}), None]


def test_with_a_group_column_every_row_needs_a_group() -> None:
    with pytest.raises(RowRejected, match="'author' is missing"):
        parse_row({"text": "a", "label": "b"}, GROUPED)


TYPED = replace(
    CONTRACT,
    features=(Column("age", 100, type="number", required=False), Column("job", 100, required=False, type="category")),
    kind="regression",
)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(numbers, numbers)
def test_a_number_is_the_double_that_it_is_however_it_is_written(age: float, label: float) -> None:
    written: list[dict[str, object]] = [{"age": age, "label": label}, {"age": repr(age), "label": f" {label!r} "}]
    written.append({"age": f"{age:.17e}", "label": f"{label:+.17E}"})
    rows = [parse_row({**raw, "job": "cook"}, TYPED)[0] for raw in written]
    assert rows[0] == rows[1] == rows[2]
    assert (float(rows[0].features["age"]), float(rows[0].label)) == (age, label)


@pytest.mark.parametrize("none", [None, "", " ", "NaN", "n/a", "?", float("nan")])
def test_a_row_may_lack_what_need_not_be_there(none: object) -> None:
    row, split = parse_row({"age": none, "job": "cook", "label": 1}, TYPED)
    assert row == Row(row_id({"job": "cook"}), {"job": "cook"}, "1")
    assert (row, split) == parse_row({"job": "cook", "label": "1.0"}, TYPED)
    with pytest.raises(RowRejected, match="no feature has a value"):
        parse_row({"age": none, "job": None, "label": 1}, TYPED)


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ({"age": "old", "label": 1}, "not-a-number"),
        ({"age": True, "label": 1}, "not-a-number"),
        ({"age": "1,5", "label": 1}, "not-a-number"),
        ({"age": "1_000", "label": 1}, "not-a-number"),
        ({"age": "1e999", "label": 1}, "not-a-number"),
        ({"age": float("inf"), "label": 1}, "not-finite"),
        ({"age": 1}, "missing"),
        ({"age": 1, "label": "n/a"}, "empty"),
        ({"age": 1, "label": "high"}, "not-a-number"),
    ],
)
def test_what_is_no_number_is_refused(raw: dict[str, object], rule: str) -> None:
    with pytest.raises(RowRejected) as refused:
        parse_row(raw, TYPED)
    assert refused.value.rule == rule


def test_a_category_is_any_text() -> None:
    assert parse_row({"job": "n/a", "label": 1}, TYPED)[0].features == {"job": "n/a"}
