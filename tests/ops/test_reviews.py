"""The demo's files: the same bytes every time, in the format that the pipeline reads, with what the story needs."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path

import pytest

from domain.data.records import Contract, RowRejected, parse_row
from domain.data.settings import DataSettings
from ops import reviews
from ops.errors import Unusable
from ops.reviews import Plan
from tasks.text.row import columns

PLAN = Plan(first=300, second=100, good=50, broken=7)
DATA = DataSettings()
CONTRACT = Contract(columns(DATA), DATA.label, DATA.group, DATA.test_percent, DATA.validation_percent)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    reviews.prepare(folder, PLAN)
    return folder


def read_csv(path: Path) -> list[tuple[str, str]]:
    return [(row["text"], row["label"]) for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))]


def test_the_same_bytes_every_time(folder: Path, tmp_path: Path) -> None:
    again = reviews.prepare(tmp_path, PLAN)
    assert [path.name for path in again] == sorted(path.name for path in folder.iterdir())
    assert all(path.read_bytes() == (folder / path.name).read_bytes() for path in again)


def test_every_good_row_keeps_the_record_contract(folder: Path) -> None:
    rows = [dict(zip(("text", "label"), row, strict=True)) for row in read_csv(folder / reviews.FIRST)]
    rows += [json.loads(line) for line in gzip.decompress((folder / reviews.SECOND).read_bytes()).splitlines()]
    assert len(rows) == 400
    parsed = [parse_row(row, CONTRACT)[0] for row in rows]
    assert len({row.id for row in parsed}) == 400
    share = Counter(row.label for row in parsed)["positive"] / 400
    assert 0.4 < share < 0.6


def test_shuffling_keeps_texts_and_the_number_of_each_label(folder: Path) -> None:
    true = read_csv(folder / reviews.FIRST)
    true += [
        (row["text"], row["label"])
        for row in map(json.loads, gzip.decompress((folder / reviews.SECOND).read_bytes()).splitlines())
    ]
    shuffled = read_csv(folder / reviews.SHUFFLED)
    assert [text for text, _ in shuffled] == [text for text, _ in true]
    assert Counter(label for _, label in shuffled) == Counter(label for _, label in true)
    same = sum(a == b for a, b in zip(true, shuffled, strict=True)) / len(true)
    assert 0.4 < same < 0.6


def test_exactly_the_broken_rows_are_refused(folder: Path) -> None:
    good, broken = 0, 0
    for line in (folder / reviews.BROKEN).read_text(encoding="utf-8").splitlines():
        try:
            parse_row(json.loads(line), CONTRACT)
        except (ValueError, RowRejected):
            broken += 1
        else:
            good += 1
    assert (good, broken) == (50, 7)
    # More than this and the pipeline would refuse the whole file.
    assert broken / (good + broken) < DATA.max_rejected_fraction


@pytest.mark.parametrize("plan", [Plan(first=9000), Plan(good=10, broken=3), Plan(second=0)])
def test_a_plan_that_cannot_be_is_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(Unusable):
        reviews.prepare(tmp_path, plan)
    assert list(tmp_path.iterdir()) == []


def test_the_documented_format_is_the_real_one() -> None:
    lines = reviews.FORMAT.splitlines()
    shown = next(line for line in lines if "JSON lines  {" in line).split("JSON lines")[1]
    assert parse_row(json.loads(shown), CONTRACT)[0].label == "positive"
    header, row = (
        line.split("CSV")[-1].strip() for line in lines if "text,label" in line or line.endswith(",positive")
    )
    assert parse_row(next(csv.DictReader([header, row])), CONTRACT)[0].features["text"] == "a warm, funny film"
