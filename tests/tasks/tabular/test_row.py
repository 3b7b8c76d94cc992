"""What a row of a table is asked as, and which columns the settings say."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from domain.data.records import cell
from domain.data.spelling import number
from tasks.settings import of
from tasks.tabular.row import asked, column, columns
from tasks.tabular.settings import Data

TEXTS = st.text(max_size=20) | st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)
CITY, AGE = column("city", "category", 1000), column("age", "number", 1000)


@given(text=TEXTS)
@example(text="1e+16")
@example(text="-0")
@example(text="007")
@example(text="1.50")
@example(text="9007199254740993")
def test_a_category_is_asked_as_what_is_read_as_the_same(text: str) -> None:
    try:
        spelled = cell({"city": text}, CITY)
    except ValueError:
        return
    assert cell(asked({"city": spelled} if spelled else {}, ["city"]), CITY) == spelled


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_asked_as_what_is_read_as_the_same(value: float) -> None:
    spelled = number(repr(value))
    assert spelled is not None
    again = asked({"age": spelled}, ["age"])
    assert cell(again, AGE) == spelled
    assert cell({"age": value}, AGE) == spelled


def test_numbers_are_numbers_and_what_is_missing_is_left_out() -> None:
    features = {"age": "39", "workclass": "Private", "hours": "40.5"}
    assert asked(features, ["age", "workclass", "gain", "hours"]) == {"age": 39, "workclass": "Private", "hours": 40.5}


def test_columns_are_left_to_the_first_file_unless_all_types_are_said() -> None:
    assert columns(Data()) is None
    assert columns(Data(features=("age", "city"))) is None
    assert columns(Data(features=("age", "city"), types={"age": "number"})) is None
    given = columns(Data(features=("age", "city"), types={"city": "category", "age": "number"}, max_chars=50))
    assert given is not None
    assert [(one.name, one.type, one.required) for one in given] == [
        ("age", "number", False),
        ("city", "category", False),
    ]
    assert given[1].max_chars == 50


def test_settings_of_a_project_leave_the_columns_open() -> None:
    for task in ("tabular", "tabular-regression"):
        settings = of(task)()
        assert settings.data.features is None
        assert settings.training.base_model is None
        assert settings.training.aws_image.framework == "pytorch"
