"""One dropped file becomes parts: all of its rows, once, or none and a reason."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import asdict
from typing import Any

import pytest

from domain import layout
from domain.data.dataset import Source
from domain.data.records import parse_row
from domain.errors import LandingMoved
from lambdas.dataset import decoding, parts
from lambdas.dataset.contract import contract_of
from lambdas.dataset.parts import Report, ensure_derived
from lambdas.storage import landed
from tests.lambdas.project import Project, reviews


def only_source(project: Project) -> Source:
    (source,) = landed(project.env)
    return source


def derive(project: Project, name: str, body: bytes | str) -> tuple[Source, Report]:
    project.drop(name, body)
    source = only_source(project)
    return source, ensure_derived(project.env, source)


def rows_of(project: Project, source: Source) -> dict[str, list[dict[str, Any]]]:
    parts = {split: project.read(layout.part(1, split, source.source)).decode() for split in layout.SPLITS}
    return {split: [json.loads(line) for line in part.splitlines()] for split, part in parts.items()}


def quarantined(project: Project, source: Source) -> list[dict[str, Any]]:
    return [json.loads(line) for line in project.read(layout.quarantine(source.source)).decode().splitlines()]


def test_every_row_lands_in_the_split_of_its_id(project: Project) -> None:
    source, report = derive(project, "a.csv", reviews(60))
    parts, contract = rows_of(project, source), contract_of(project.env.settings)
    assert report.rows == {split: len(rows) for split, rows in parts.items()}
    assert report.accepted() == 60
    assert all(parts.values())
    for split, rows in parts.items():
        for row in rows:
            parsed, expected = parse_row({**row["features"], "label": row["label"]}, contract)
            assert (parsed.id, expected) == (row["id"], split)
    ids = project.read(layout.test_ids(1, source.source)).decode().split()
    assert ids == [row["id"] for row in parts["test"]]
    totals = {label: sum(counts.values()) for label, counts in report.labels.items()}
    assert totals == {"neg": 30, "pos": 30}


def test_bad_rows_are_quarantined_with_line_and_reason_and_good_ones_used(project: Project) -> None:
    body = reviews(20) + "only one cell\n ,pos\n" + "\x00,neg\n"
    source, report = derive(project, "a.csv", body)
    assert (report.accepted(), report.rejected, report.error) == (20, 3, None)
    entries = quarantined(project, source)
    assert [entry["line"] for entry in entries] == [22, 23, 24]
    assert [entry["reason"].split(":")[0] for entry in entries] == [
        "1 cells where the first line names 2 columns",
        "column 'text' is empty",
        "column 'text' holds a NUL byte",
    ]
    assert "'label': 'pos'" in entries[1]["excerpt"]


def test_hostile_rows_are_quarantined_like_any_other(project: Project) -> None:
    good = [{"text": f"row {n}", "label": "a"} for n in range(30)]
    deep = "[" * 90 + "]" * 90
    lines = [json.dumps(row) for row in good]
    hostile = ['{"text": "\\ud800", "label": "a"}', '{"text": "x", "label": "\\udfff"}', '{"text": NaN, "label": "a"}']
    body = "[" + ",".join([*lines, f'{{"text": {deep}, "label": "a"}}']) + "]"
    _, report = derive(project, "a.json", body)
    assert (report.accepted(), report.rejected, report.error) == (30, 1, None)
    project.delete("a.json")
    source, report = derive(project, "a.jsonl", "\n".join([*lines, *hostile]))
    assert (report.accepted(), report.rejected) == (30, 3)
    assert len(quarantined(project, source)) == 3


def test_the_report_of_an_earlier_release_says_none_by_nothing() -> None:
    written = asdict(Report("s", "landing/a.csv"))
    assert Report.of({**written, "error": "", "sha256": "", "again": ""}) == Report("s", "landing/a.csv")
    assert Report.of({**written, "error": "no rows"}).error == "no rows"


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("a.csv", "text|label\na|b\n", "no column 'text', 'label'"),
        ("a.csv", "text,label\n", "no rows: the file is empty"),
        ("a.csv", "", "the file is empty"),
        ("a.json", "[]", "no rows: the file is empty"),
        ("a.csv", "text,label\na,\n,b\n", "no usable row"),
        ("a.csv", reviews(10) + "a,\n" * 5, "5 of 15 rows are rejected, over the limit of 20%"),
        ("a.csv", reviews(4) + '"never closed\nx,y\n', "2 of 6 rows are rejected, over the limit of 20% (2 quotes)"),
        ("notes.txt", "hello", "unknown kind of file"),
    ],
)
def test_a_file_is_rejected_whole_with_its_reason(project: Project, name: str, body: str, error: str) -> None:
    source, report = derive(project, name, body)
    assert error in str(report.error)
    assert (report.accepted(), report.labels) == (0, {})
    assert error in quarantined(project, source)[-1]["reason"]
    assert project.listed("datasets/") == [layout.part_report(1, source.source)]


@pytest.mark.parametrize(
    "first", ["a text of somebody,good", "a text of somebody;good;1", "text,text,a text of somebody"]
)
def test_a_header_is_shown_in_the_quarantine_alone(project: Project, first: str) -> None:
    """A reason is mailed and logged. Of a file without a header, what it begins with is a row."""
    source, report = derive(project, "a.csv", f"{first}\n" + reviews(10).split("\n", 1)[1])
    assert str(report.error).startswith(
        "column 'text' twice" if first.startswith("text") else "no column 'text', 'label' in"
    )
    assert str(report.error).endswith(f"(what it begins with: {layout.quarantine(source.source)})")
    assert "somebody" not in str(report.error)
    (entry,) = quarantined(project, source)
    assert "a text of somebody" in entry["excerpt"]


@pytest.mark.parametrize(
    ("limit", "error"),
    [("MAX_FILE_BYTES", r"\d{3} bytes, over the limit of 11 that"), ("MAX_FILE_ROWS", "12 rows, over the limit of 11")],
)
def test_a_file_over_the_limit_of_one_lambda_is_rejected_with_the_fix(
    project: Project, monkeypatch: pytest.MonkeyPatch, limit: str, error: str
) -> None:
    monkeypatch.setattr(parts, limit, 11)
    # Nothing of it is read but its size: the line that is no CSV is not found.
    source, report = derive(project, "a.csv", reviews(20) + '"never closed\n')
    assert re.search(f"{error}.*: split the file", str(report.error))
    assert report.accepted() == 0
    assert project.listed("datasets/") == [layout.part_report(1, source.source)]


def test_a_packed_file_is_measured_by_what_it_unpacks_to(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 500)
    _, report = derive(project, "a.csv.gz", gzip.compress(reviews(100).encode()))
    assert "unpacked" in str(report.error)
    assert "bytes, over the limit of 500 that one Lambda function can derive: split the file" in str(report.error)


def test_just_within_the_limit_the_good_rows_are_used(project: Project) -> None:
    _, report = derive(project, "a.csv", reviews(12) + "a,\n" * 3)
    assert (report.accepted(), report.rejected, report.error) == (12, 3, None)


def test_a_column_of_free_text_is_not_taken_for_labels(project: Project) -> None:
    body = "text,label\n" + "".join(f"text {n},label {n}\n" for n in range(10_001))
    assert "is 'label' their column? Name it in data.label" in str(derive(project, "a.csv", body)[1].error)


def test_a_file_is_derived_once(project: Project) -> None:
    source, report = derive(project, "a.csv", reviews(20))
    part = layout.part(1, "train", source.source)
    project.client("s3").delete_object(Bucket=project.bucket, Key=part)
    assert ensure_derived(project.env, source) == report
    assert part not in project.listed(), "with a report, nothing is read or written again"


@pytest.mark.parametrize("survived", range(1, 6))
def test_killed_at_any_moment_the_next_try_writes_the_same_bytes(project: Project, survived: int) -> None:
    source, report = derive(project, "a.csv", reviews(30) + "a,\n")
    whole = {key: body for key, body in project.contents().items() if not layout.is_landing(key)}
    assert len(whole) == 6
    # A time in the gzip header would change the bytes from second to second.
    assert {body[4:8] for key, body in whole.items() if key.endswith(".gz")} == {bytes(4)}
    # The report is written last, so a kill leaves some of the others and never the report.
    written = [layout.quarantine(source.source), *(layout.part(1, split, source.source) for split in layout.SPLITS)]
    for key in [layout.part_report(1, source.source), *[*written, layout.test_ids(1, source.source)][survived:]]:
        project.client("s3").delete_object(Bucket=project.bucket, Key=key)
    assert ensure_derived(project.env, source) == report
    assert {key: body for key, body in project.contents().items() if not layout.is_landing(key)} == whole


@pytest.mark.parametrize("change", ["overwritten", "deleted"])
def test_an_object_that_changed_since_it_was_listed_is_not_read(project: Project, change: str) -> None:
    project.drop("a.csv", reviews(20))
    source = only_source(project)
    if change == "deleted":
        project.delete("a.csv")
    else:
        project.drop("a.csv", reviews(21))
    with pytest.raises(LandingMoved, match="landing/a"):
        ensure_derived(project.env, source)
    assert not [key for key in project.listed() if not layout.is_landing(key)]


def test_keys_with_blanks_and_letters_of_all_kinds_are_read(project: Project) -> None:
    source, report = derive(project, "sub dir/Größe +%41 (1).csv", reviews(20))
    assert source.key == "landing/sub dir/Größe +%41 (1).csv"
    assert report.accepted() == 20


def test_several_features_and_a_group(project: Project) -> None:
    project.configure(data={"features": ["title", "body"], "label": "stars", "group": "author"})
    body = "author,title,body,stars\n" + "".join(f"writer {n % 7},t{n},b{n},{n % 2}\n" for n in range(70))
    source, _ = derive(project, "a.csv", body)
    splits: dict[str, set[str]] = {}
    for split, rows in rows_of(project, source).items():
        for row in rows:
            assert list(row["features"]) == ["title", "body"]
            splits.setdefault(row["group"], set()).add(split)
    assert len(splits) == 7
    assert all(len(found) == 1 for found in splits.values())


def test_a_slice_column_is_kept_in_the_parts_and_may_be_a_feature(project: Project) -> None:
    project.configure(data={"slice": "text"})
    source, _ = derive(project, "a.csv", reviews(20))
    assert all(row["slice"] == row["features"]["text"] for rows in rows_of(project, source).values() for row in rows)


def test_a_csv_must_name_the_slice_column_while_its_cells_may_be_empty(project: Project) -> None:
    project.configure(data={"slice": "device"})
    source, report = derive(project, "a.csv", "text,label,device\n" + "".join(f"t{n},{n % 2},\n" for n in range(20)))
    assert report.accepted() == 20
    assert not [row for rows in rows_of(project, source).values() for row in rows if "slice" in row]
    assert "no column 'device'" in str(derive(project, "a.csv", reviews(20))[1].error)
