"""A table in the archive says more of its pictures than their folders do."""

from __future__ import annotations

import io
import json
import unicodedata
from typing import Any

import pytest

from domain.data.records import RowSetAside
from domain.data.settings import DataSettings
from lambdas.dataset.reading import read_rows
from tasks.image import read
from tasks.image.archive import MAX_MEMBER_BYTES
from tests.tasks.image.archives import CLASSES, WAYS, Files, Found, found, png, refused, tarred, tgz, zipped

CSV = b"file_name,label,extra\ncat/1.png,Katze,x\ncat/2.png,Kater,y\ndog/1.png,Hund,z\n"


def of(table: bytes, name: str = "metadata.csv", key: str = "a.zip", **data: Any) -> Found:
    return found(key, WAYS[key](CLASSES | {name: table}), **data)


@pytest.mark.parametrize("key", WAYS)
@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_it_gives_the_labels(name: str, key: str) -> None:
    lines = "".join(
        json.dumps({"file_name": file, "label": label}) + "\n"
        for file, label in (("dog/1.png", "Hund"), ("./cat/1.png", "Katze"), ("cat\\2.png", "Kater"))
    )
    result = of(CSV if name == "metadata.csv" else lines.encode(), name, key)
    assert result.rejected == []
    assert result.rows == [(1, "cat/1.png", "Katze"), (2, "cat/2.png", "Kater"), (3, "dog/1.png", "Hund")]


def test_it_may_stand_anywhere_and_names_are_relative_to_it() -> None:
    files = {
        "pets/metadata.csv": b"file_name,label\n1.png,Katze\nmore/2.png,Hund\n",
        "pets/1.png": png(1),
        "pets/more/2.png": png(2),
        "birds/1.png": png(3),
        "birds/metadata.csv": b"file_name,label\n1.png,Spatz\n",
    }
    assert found("a.tgz", tgz(files)).rows == [
        (2, "pets/1.png", "Katze"),
        (3, "pets/more/2.png", "Hund"),
        (4, "birds/1.png", "Spatz"),
    ]


def test_it_gives_group_and_slice() -> None:
    table = b"owner,file_name,home,label\nann,cat/1.png,in,x\nann,cat/2.png,,x\nbob,dog/1.png,out,y\n"
    raw = of(table, group="owner", slice="home").raw
    assert [(row["owner"], row["home"]) for row in raw] == [("ann", "in"), ("ann", ""), ("bob", "out")]
    assert "extra" not in of(CSV).raw[0]


def test_it_is_needed_for_a_group() -> None:
    error = refused("a.zip", zipped(CLASSES), group="owner")
    assert error.rule == "metadata"
    assert "'owner' keeps rows together, and only a metadata.csv can give it: add one" in str(error)


def test_what_is_in_one_of_both_alone_is_told() -> None:
    table = b"file_name,label\ncat/1.png,Katze\ncat/9.png,Katze\n,Hund\n../x.png,Hund\ncat/1.png,Hund\n"
    result = of(table)
    assert result.rows == [(1, "cat/1.png", "Katze")]
    assert [(place, error.rule, error.value) for place, error in result.rejected] == [
        (4, "no-picture", ""),
        (4, "path", "../x.png"),
        (4, "twice", "cat/1.png"),
        (2, "not-described", "cat/2.png"),
        (3, "not-described", "dog/1.png"),
        (4, "no-picture", "cat/9.png"),
    ]
    assert "metadata.csv, row 4" in str(result.rejected[0][1])


def test_rows_that_are_broken_are_told() -> None:
    result = of(b'{"file_name": "cat/1.png", "label": 3}\nnonsense\n[1]\n{"label": "x"}\n', "metadata.jsonl")
    assert result.rows == [(1, "cat/1.png", 3)]
    rules = [error.rule for _, error in result.rejected]
    assert rules == ["not-json", "not-an-object", "no-picture", "not-described", "not-described"]


def test_what_a_person_should_know_of_it_is_passed_on() -> None:
    table = b"FILE_NAME,Label\ncat/1.png,Katze\nFILE_NAME,Label\ncat/2.png,Kater\ndog/1.png,Hund\n"
    stream = io.BytesIO(zipped(CLASSES | {"metadata.csv": table}))
    items: list[object] = [item for _, item in read.rows("a.zip", stream, DataSettings(features=("image",)), read_rows)]
    assert [item for item in items if isinstance(item, str)] == [
        "its column 'FILE_NAME' was taken for 'file_name'",
        "its column 'Label' was taken for 'label'",
    ]
    assert [item.rule for item in items if isinstance(item, RowSetAside)] == ["header-again"]
    assert sum(isinstance(item, dict) for item in items) == 3


def test_a_picture_that_is_broken_is_told_once() -> None:
    files = {"1.png": png(1)[:-30], "metadata.csv": b"file_name,label\n1.png,x\n"}
    assert found("a.zip", zipped(files)).rules() == {"1.png": "truncated"}


def test_a_name_is_the_same_however_it_is_composed() -> None:
    composed, decomposed = (unicodedata.normalize(form, "für.png") for form in ("NFC", "NFD"))
    for one, other in ((composed, decomposed), (decomposed, composed)):
        files = {one: png(1), "metadata.csv": f"file_name,label\n{other},x\n".encode()}
        assert found("a.tar", tarred(files)).rows == [(1, composed, "x")]


@pytest.mark.parametrize(
    ("files", "rule", "words"),
    [
        ({"metadata.csv": CSV, "metadata.jsonl": b"{}"}, "metadata", "keep one of them"),
        ({"metadata.csv": CSV, "cat/metadata.jsonl": b"{}"}, "metadata", "keep one of them"),
        ({"metadata.parquet": b"PAR1"}, "metadata", "write it as metadata.csv"),
        ({"metadata.csv": b"name,label\na,b\n"}, "header", "metadata.csv: no column 'file_name'"),
        ({"metadata.csv": b"file_name,caption\na,b\n"}, "header", "metadata.csv: no column 'label'"),
        ({"metadata.csv": b""}, "header", "metadata.csv: the file is empty"),
        ({"metadata.csv": "file_name,label\nä,b\n".encode("latin-1")}, "encoding", "metadata.csv: not UTF-8"),
        ({"metadata.csv": b"x" * (MAX_MEMBER_BYTES + 1)}, "metadata", "over the limit"),
    ],
)
def test_of_what_is_no_metadata_the_file_is_told(files: Files, rule: str, words: str) -> None:
    error = refused("a.zip", zipped(CLASSES | files))
    assert error.rule == rule
    assert words in str(error)
