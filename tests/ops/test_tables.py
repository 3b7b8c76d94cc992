"""The files of the demos of tables: the same bytes every time, in the format that the pipeline reads, with what the
story needs.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.data.records import Contract, FileRejected, RowRejected, parse_row
from domain.data.schema import FirstFile, Fit
from domain.data.settings import DataSettings
from lambdas.dataset.contract import contract_of
from ops import tables
from ops.tables import ADULT, BROKEN, CALIFORNIA, FIRST, RESHAPED, SECOND, SHUFFLED, Table
from tasks.settings import of_project

SMALL = replace(ADULT, first=500, second=400, good=50, broken=4, reshaped=30)
BOTH = {"tabular": SMALL, "tabular-regression": replace(CALIFORNIA, first=500, second=400, good=50, reshaped=30)}
Rows = list[dict[str, Any]]


def rows_in(folder: Path, table: Table, what: str) -> Rows:
    body = (folder / table.file(what)).read_bytes()
    if what == SECOND:
        return [json.loads(line) for line in gzip.decompress(body).splitlines()]
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def as_texts(rows: Rows) -> Rows:
    return [{name: str(value) for name, value in row.items()} for row in rows]


def contract(task: str, folder: Path) -> Contract:
    """The contract that the first file makes."""
    given = {"task": task, "data": {"features": None, "label": BOTH[task].label}}
    settings = of_project(given).model_validate(given)
    first = FirstFile(settings.data)
    for row in rows_in(folder, BOTH[task], FIRST):
        first.see(row)
    return contract_of(settings, first.schema())


@pytest.fixture(scope="module", params=BOTH)
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(task: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    tables.prepare(BOTH[task], folder)
    return folder


def test_the_same_bytes_every_time(task: str, folder: Path, tmp_path: Path) -> None:
    again = tables.prepare(BOTH[task], tmp_path)
    assert [path.name for path in again] == sorted(path.name for path in folder.iterdir())
    assert all(path.read_bytes() == (folder / path.name).read_bytes() for path in again)


def test_the_package_has_rows_enough() -> None:
    for table in (ADULT, CALIFORNIA):
        assert len(tables.read(table)) >= table.first + table.second + table.good + table.reshaped


def test_every_good_row_keeps_the_record_contract(task: str, folder: Path) -> None:
    rows = rows_in(folder, BOTH[task], FIRST) + rows_in(folder, BOTH[task], SECOND)
    found = contract(task, folder)
    assert len({parse_row(row, found)[0].id for row in rows}) == 900


def test_a_census_has_numbers_and_categories(tmp_path: Path) -> None:
    tables.prepare(SMALL, tmp_path)
    found = contract("tabular", tmp_path)
    types = {column.name: column.type for column in found.features}
    assert (types["age"], types["education"], len(types)) == ("number", "category", 14)
    read = [parse_row(row, found)[0] for row in rows_in(tmp_path, SMALL, FIRST)]
    assert 0.15 < Counter(row.label for row in read)[">50K"] / len(read) < 0.35


def test_shuffling_keeps_rows_and_the_number_of_each_label(task: str, folder: Path) -> None:
    table = BOTH[task]
    true = rows_in(folder, table, FIRST) + as_texts(rows_in(folder, table, SECOND))
    shuffled = rows_in(folder, table, SHUFFLED)
    without = [[{**row, table.label: ""} for row in rows] for rows in (true, shuffled)]
    assert without[0] == without[1]
    labels = [[row[table.label] for row in rows] for rows in (true, shuffled)]
    assert Counter(labels[0]) == Counter(labels[1])
    assert sum(a == b for a, b in zip(*labels, strict=True)) / len(true) < 0.75


def test_exactly_the_broken_rows_are_refused(task: str, folder: Path) -> None:
    found, rules = contract(task, folder), Counter[str]()
    for row in rows_in(folder, BOTH[task], BROKEN):
        try:
            parse_row(row, found)
        except RowRejected as error:
            rules[error.rule] += 1
        else:
            rules["good"] += 1
    assert rules.pop("good") == 50
    assert rules.total() == BOTH[task].broken
    assert len(rules) >= 2
    # More than this and the pipeline would refuse the whole file.
    assert rules.total() / 50 < DataSettings().max_rejected_fraction


def test_the_renamed_column_is_what_is_held(task: str, folder: Path) -> None:
    table, fit = BOTH[task], Fit(contract(task, folder), DataSettings().max_rejected_fraction)
    row = rows_in(folder, table, RESHAPED)[0]
    with pytest.raises(FileRejected, match=f"a column '{table.renamed[1]}'.* no column '{table.renamed[0]}'"):
        fit.see(row)
