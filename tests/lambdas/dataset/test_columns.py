"""A table's columns follow from the first file that can be used, and later files must have the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain import layout
from domain.data.dataset import Source
from domain.data.schema import Schema
from domain.data.settings import FeatureType
from domain.state import Run
from lambdas.dataset.parts import derive
from lambdas.steps import prepare
from lambdas.storage import landed, read_version
from ops.demo_files import as_csv
from tests.lambdas.project import Project

ROWS = [{"age": 20 + n, "job": f"job {n % 4}", "hours": n / 2, "income": "high" if n % 2 else "low"} for n in range(60)]
TYPES: dict[str, FeatureType] = {"age": "number", "job": "category", "hours": "number"}


@pytest.fixture
def tables(project: Project) -> Project:
    configure(project)
    return project


def configure(project: Project, task: str = "tabular", **data: Any) -> None:
    project.configure(task, data={"features": None, "label": "income", **data})


def renamed(old: str, new: str) -> list[dict[str, Any]]:
    return [{new if name == old else name: value for name, value in row.items()} for row in ROWS]


def changed(**values: Any) -> list[dict[str, Any]]:
    return [{**row, **values} for row in ROWS]


def ask(project: Project) -> dict[str, Any]:
    """Prepare, in an execution of its own."""
    if owner := project.env.ledger.claimed_by():
        project.env.ledger.release(owner)
    return prepare.handler({"execution": project.claim(), "reason": "drop", "from": "Settle"}, None)


def schema(project: Project, prepared: dict[str, Any]) -> Any:
    run = project.env.ledger.run(prepared["run"])
    assert isinstance(run, Run)
    return read_version(project.env, run.epoch, run.dataset).schema


def reasons(project: Project) -> dict[str, str]:
    return {hold.source.key.removeprefix(layout.LANDING): hold.reason for hold in project.env.ledger.held().values()}


def test_the_first_file_says_them(tables: Project) -> None:
    tables.drop("a.csv", as_csv(ROWS))
    prepared = ask(tables)
    assert prepared["outcome"] == "train"
    found = schema(tables, prepared)
    assert list(found.items()) == list(TYPES.items())
    (told,) = tables.notifications()
    assert "age (number), job (category), hours (number)" in told["Message"]
    assert "data.types" in told["Message"]
    line = json.loads(tables.read(layout.part(1, "train", tables.source_of("a.csv"))).splitlines()[0])
    assert set(line["features"]) == set(TYPES)


def test_a_later_file_may_lack_values_and_have_its_columns_in_another_order(tables: Project) -> None:
    tables.drop("a.csv", as_csv(ROWS))
    first = ask(tables)
    backwards = [dict(reversed(row.items())) for row in changed(age="", hours=1e3)]
    tables.drop("b.csv", as_csv(backwards))
    tables.drop("c.json", json.dumps([{"income": "low", "job": "job 1"}, {"income": "low", "age": 7, "hours": None}]))
    second = ask(tables)
    assert second["run"] != first["run"]
    assert reasons(tables) == {}
    assert schema(tables, second) == schema(tables, first)


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("b.csv", as_csv(changed(height=180)), "a column 'height', which the epoch's first file did not have"),
        ("b.csv", as_csv([{n: v for n, v in row.items() if n != "age"} for row in ROWS]), "no column 'age'"),
        ("b.csv", as_csv(renamed("age", "years")), "no column 'age'"),
        ("b.json", json.dumps(renamed("age", "years")), "a column 'years', which the epoch's first file did not have"),
        ("b.csv", as_csv(changed(age="old")), "column 'age' holds numbers, and in 60 of 60 rows"),
        ("b.csv", as_csv(changed(job=3)), "column 'job' held words in the epoch's first file"),
        ("b.csv", as_csv([*changed(age="old")[:20], *ROWS[20:]]), "column 'age' holds numbers, and in 20 of 60 rows"),
    ],
    ids=["more", "less", "renamed", "renamed in JSON", "words", "numbers", "some words"],
)
def test_a_file_in_another_shape_is_held_with_the_column(tables: Project, name: str, body: str, why: str) -> None:
    tables.drop("a.csv", as_csv(ROWS))
    first = ask(tables)
    tables.notifications()
    tables.drop(name, body)
    assert ask(tables)["run"] == first["run"]
    assert list(reasons(tables)) == [name]
    assert why in reasons(tables)[name]
    (told,) = tables.notifications()
    assert why in told["Message"]


def test_a_file_that_cannot_be_used_says_nothing_of_them(tables: Project) -> None:
    """It came first, has other columns, and too many of its rows have no label."""
    broken = [{"height": 180, "income": "" if n % 2 else "low"} for n in range(40)]
    tables.drop("a.csv", as_csv(broken))
    assert ask(tables)["outcome"] == "nothing_new"
    assert tables.env.ledger.schema(1) is None
    tables.drop("b.csv", as_csv(ROWS))
    assert schema(tables, ask(tables)) == TYPES
    assert list(reasons(tables)) == ["a.csv"]


def test_they_stay_when_the_first_file_goes(tables: Project) -> None:
    tables.drop("a.csv", as_csv(ROWS))
    ask(tables)
    tables.delete("a.csv")
    tables.drop("b.csv", as_csv(renamed("age", "years")))
    ask(tables)
    assert list(reasons(tables)) == ["b.csv"]


def test_killed_before_anything_was_written_the_next_one_finds_the_same(tables: Project) -> None:
    tables.drop("a.csv", as_csv(ROWS))
    # As an execution that died right after it froze them left it.
    first = Schema(TYPES, frozenset({"job"}), closed=True, notices=("what it said",)).to_json()
    assert tables.env.ledger.freeze_schema(1, first) == first
    assert schema(tables, ask(tables)) == TYPES
    assert tables.env.ledger.schema(1) == first
    # Whoever died told nobody.
    (told,) = tables.notifications()
    assert "what it said." in told["Message"]
    ask(tables)
    assert tables.notifications() == []


def test_who_froze_first_is_right(tables: Project) -> None:
    """Another execution, which has lost its claim since, began the epoch while this one read its first file."""
    theirs = Schema({"age": "category", "job": "category", "hours": "number"}, closed=True)
    tables.drop("a.csv", as_csv(ROWS))
    (source,) = landed(tables.env)

    def meanwhile(_sha256: str) -> Source:
        """The file has been read then, and nothing was written."""
        tables.env.ledger.freeze_schema(1, theirs.to_json())
        return source

    assert derive(tables.env, source, meanwhile).accepted() == len(ROWS)
    assert schema(tables, ask(tables)) == theirs.types


def test_another_epoch_begins_with_other_columns(tables: Project) -> None:
    tables.drop("a.csv", as_csv(ROWS))
    ask(tables)
    tables.delete("a.csv")
    tables.drop("b.csv", as_csv(renamed("age", "years")))
    configure(tables, epoch=2)
    assert list(schema(tables, ask(tables))) == ["years", "job", "hours"]


def test_what_the_settings_name_is_not_left_to_the_file(tables: Project) -> None:
    configure(tables, features=["hours", "job"], types={"hours": "category"})
    tables.drop("a.csv", as_csv(ROWS))
    first = ask(tables)
    assert schema(tables, first) == {"hours": "category", "job": "category"}
    # Other columns are ignored, and those of the settings must be there.
    tables.drop("b.csv", as_csv([{**row, "height": 180} for row in ROWS[:30]]))
    tables.drop("c.csv", as_csv(renamed("hours", "time")))
    ask(tables)
    assert list(reasons(tables)) == ["c.csv"]


def test_all_declared_nothing_is_frozen_but_the_settings(tables: Project) -> None:
    configure(tables, features=["age", "job"], types={"age": "number", "job": "category"})
    tables.drop("a.csv", as_csv(ROWS))
    assert schema(tables, ask(tables)) == {"age": "number", "job": "category"}
    assert tables.env.ledger.schema(1) is None


def test_of_regression_the_number_to_learn_is_no_feature(tables: Project) -> None:
    configure(tables, task="tabular-regression", label="hours")
    tables.drop("a.csv", as_csv(ROWS))
    assert schema(tables, ask(tables)) == {"age": "number", "job": "category", "income": "category"}


def test_a_row_without_any_value_is_broken(tables: Project) -> None:
    tables.drop("a.csv", as_csv([*ROWS, {"age": "", "job": "", "hours": "", "income": "low"}]))
    ask(tables)
    report = tables.json(layout.part_report(1, tables.source_of("a.csv")))
    assert (report["rejected"], report["rules"]) == (1, {"empty": 1})


def test_texts_have_no_schema(project: Project) -> None:
    project.drop("a.csv", "text,label\n" + "".join(f"review {n},{n % 2}\n" for n in range(60)))
    prepared = ask(project)
    assert schema(project, prepared) is None
    run = project.env.ledger.require_run(prepared["run"])
    assert "schema" not in project.json(layout.version(1, run.dataset, "manifest.json"))
