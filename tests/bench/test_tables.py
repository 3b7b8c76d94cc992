"""The bench of tables: the rows that it asks, and that only servers of the same model are compared."""

from __future__ import annotations

from statistics import mean

import pytest

from bench.census import CATEGORIES, LABELS, NUMBERS, SCHEMA, census
from bench.load import summary
from bench.table_model import requests
from bench.tables import AnswersDiffer, check
from tasks.tabular.requests import parse
from tasks.tabular.table import columns

ROWS = census(5_000)


def test_rows_have_the_shape_of_the_census() -> None:
    assert (len(SCHEMA), len(NUMBERS), len(CATEGORIES)) == (14, 6, 8)
    for name, count in CATEGORIES.items():
        assert len({row[name] for row, _ in ROWS if name in row}) == count
    lacking = {name: mean(name not in row for row, _ in ROWS) for name in SCHEMA}
    assert {name for name, share in lacking.items() if share} == {"workclass", "occupation", "native-country"}
    assert lacking["occupation"] == pytest.approx(0.06, abs=0.01)
    assert mean(label == LABELS[1] for _, label in ROWS) == pytest.approx(0.24, abs=0.001)


def test_the_same_seed_gives_the_same_rows() -> None:
    assert census(5_000) == ROWS
    assert census(5_000, seed=1) != ROWS


def test_our_server_reads_what_is_asked() -> None:
    bodies = requests(100, 3)
    read = [parse("application/json", body, columns(SCHEMA)) for body in bodies]
    assert [len(invocation.rows) for invocation in read] == [100, 100, 100]
    asked = {tuple(row.items()) for invocation in read for row in invocation.rows}
    assert len(asked) == 300


@pytest.mark.parametrize(("label", "score"), [(LABELS[1], 0.9), (LABELS[0], 0.9001)])
def test_servers_that_answer_otherwise_are_not_compared(label: str, score: float) -> None:
    ours, alike, other = (
        [[{"label": LABELS[0], "score": 0.6}], [{"label": named, "score": scored}]]
        for named, scored in ((LABELS[0], 0.9), (LABELS[0], 0.900001), (label, score))
    )
    check([ours, alike])
    with pytest.raises(AnswersDiffer, match=r"row 1: ours answers .* server 3"):
        check([ours, alike, other])


def test_rounds_are_summed_up_by_server() -> None:
    rounds = [([0.001, 0.002, 0.009], [100.0, 300.0]), ([0.003, 0.004], [120.0, 340.0]), ([0.005], [110.0, 200.0])]
    assert summary({"ours": rounds, "other": rounds[:1]}) == {
        "ours": [pytest.approx(3.5), 9.0, 110.0, 300.0],
        "other": [2.0, 9.0, 100.0, 300.0],
    }
