"""What a first file says of its columns, and which later files have the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data.records import Column, Contract, FileRejected
from domain.data.schema import FirstFile, Fit, Schema
from domain.data.settings import DataSettings

OPEN = DataSettings(features=None, label="income")
ROWS: list[dict[str, object]] = [
    {"age": str(20 + n), "job": f"job {n % 4}", "zip": f"{n % 3}", "hours": "" if n % 5 else "40.5", "income": "high"}
    for n in range(40)
]


def first(rows: list[dict[str, object]], data: DataSettings = OPEN) -> FirstFile:
    found = FirstFile(data)
    for row in rows:
        found.see(row)
    return found


def contract(schema: Schema) -> Contract:
    columns = tuple(Column(name, 100, required=False, type=kind) for name, kind in schema.types.items())
    return Contract(columns, "income", None, 10, 10, closed=schema.closed, words=schema.words)


def fits(rows: list[dict[str, object]], schema: Schema, broken: int = 0) -> None:
    """`broken`: how many of the first rows were rejected for a number that is none."""
    fit = Fit(contract(schema), 0.2)
    for place, row in enumerate(rows):
        fit.see(row)
        if place < broken:
            fit.broken(row)
    fit.end()


def changed(**values: Any) -> list[dict[str, object]]:
    """The rows with other values; None takes a column away."""
    return [{name: value for name, value in {**row, **values}.items() if value is not None} for row in ROWS]


def test_all_columns_but_those_with_a_part_of_their_own_are_features() -> None:
    data = DataSettings(features=None, label="income", group="zip", slice="job")
    found = first(ROWS, data).schema()
    assert found.types == {"age": "number", "hours": "number"}
    assert found.closed
    assert not found.words
    assert found.notices == ("the model's columns are from now on: age (number), hours (number)",)


def test_the_settings_go_before_the_file() -> None:
    data = DataSettings(features=("zip", "job", "age"), types={"zip": "category"}, label="income")
    found = first(ROWS, data).schema()
    assert list(found.types.items()) == [("zip", "category"), ("job", "category"), ("age", "number")]
    # What somebody calls a category may well be a number in each file.
    assert found.words == {"job"}
    assert not found.closed


def test_json_has_numbers_and_truth_values_of_its_own() -> None:
    rows: list[dict[str, object]] = [{"n": 1.5, "m": None, "yes": True}, {"m": 10**30, "yes": False}]
    assert first(rows).schema().types == {"n": "number", "m": "number", "yes": "category"}


def test_a_few_words_among_numbers_are_broken_rows_and_said() -> None:
    rows: list[dict[str, object]] = [{"age": "unknown" if n == 7 else str(n)} for n in range(40)]
    found = first(rows).schema()
    assert found.types == {"age": "number"}
    assert "column 'age' has numbers, but for 1 of 40 values" in found.notices


def test_a_column_of_names_is_said() -> None:
    rows: list[dict[str, object]] = [{"name": f"person {n}", "age": n} for n in range(40)]
    (_, said) = first(rows).schema().notices
    assert said.startswith("column 'name' has another value in nearly each row")


def test_a_column_without_a_name_is_not_read() -> None:
    assert list(first([{"": str(n), "age": n} for n in range(3)]).schema().types) == ["age"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "no row that could be read"),
        ([{"income": "high"}], "no column but 'income'"),
        ([{"age": "", "job": "nurse"}, {"age": "n/a", "job": "clerk"}], "column 'age' has no value in any row"),
        ([{f"c{n}": "1" for n in range(257)}], "over 256 columns"),
    ],
)
def test_a_file_that_does_not_say_it_is_refused(rows: list[dict[str, object]], why: str) -> None:
    with pytest.raises(FileRejected, match=why):
        first(rows).schema()


def test_an_empty_column_may_be_declared() -> None:
    data = DataSettings(features=None, types={"age": "number"}, label="income")
    assert first([{"age": "", "job": "nurse"}], data).schema().types == {"age": "number", "job": "category"}


@given(st.randoms(use_true_random=False))
def test_no_order_of_rows_changes_the_types(order: random.Random) -> None:
    rows = [*ROWS]
    order.shuffle(rows)
    found = first(rows).schema()
    assert found == first(ROWS).schema()
    fits(rows, found)


def test_a_schema_is_the_same_from_its_json() -> None:
    schema = first(ROWS).schema()
    again = Schema.of(schema.to_json())
    assert (again, list(again.types)) == (schema, list(schema.types))


@pytest.mark.parametrize(
    ("rows", "broken", "why"),
    [
        (changed(height="180"), 0, "a column 'height', which the epoch's first file did not have: take it out"),
        (changed(age=None, years="39"), 0, "a column 'years', .* did not have, and no column 'age'"),
        (changed(age=None, job=None), 0, "no columns 'age', 'job' in any row"),
        (changed(age="old"), 40, "column 'age' holds numbers, and in 40 of 40 rows here it holds none"),
        (changed(job="7"), 0, "column 'job' held words in the epoch's first file, and holds nothing but numbers"),
    ],
)
def test_a_file_in_another_shape_is_refused_with_the_reason(
    rows: list[dict[str, object]], broken: int, why: str
) -> None:
    with pytest.raises(FileRejected, match=why):
        fits(rows, first(ROWS).schema(), broken)


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        (ROWS, 0),
        # A column of numbers may be empty, a category new, and a few rows broken.
        (changed(age=""), 0),
        (changed(job="astronaut"), 0),
        ([*changed(age="old")[:5], *ROWS], 5),
        # JSON leaves out what is missing, if only some row has it.
        ([*changed(hours=None), ROWS[0]], 0),
        # Words are looked for in enough rows alone.
        (changed(job="7")[:19], 0),
        # What somebody calls a category may be anything.
        (changed(zip="word"), 0),
    ],
)
def test_a_file_in_the_same_shape_is_taken(rows: list[dict[str, object]], broken: int) -> None:
    data = DataSettings(features=None, types={"zip": "category"}, label="income")
    fits(rows, first(ROWS, data).schema(), broken)


def test_other_columns_are_ignored_where_the_settings_name_the_features() -> None:
    data = DataSettings(features=("age", "job"), label="income")
    fits(changed(height="180"), first(ROWS, data).schema())
