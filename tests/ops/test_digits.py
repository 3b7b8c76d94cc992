"""The files of the demo of images: the same bytes every time, archives that any program opens, and what the story
needs.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from domain.data.records import Content, FileRejected, RowRejected
from lambdas.dataset.reading import read_rows
from ops import digits
from ops.digits import Members, Plan
from tasks.image import read
from tasks.image.picture import canonical
from tasks.image.settings import Data

pytestmark = pytest.mark.slow

PLAN = Plan(first=300, second=200, good=50, broken=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    digits.prepare(folder, PLAN)
    return folder


def members(path: Path) -> dict[str, bytes]:
    """What is in an archive, by name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    found = {}
    with tarfile.open(path) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            assert content is not None
            found[member.name] = content.read()
    return found


def labelled(found: Members) -> list[tuple[bytes, str]]:
    """Each picture with its label, by its folder or by the table that is there."""
    if "metadata.csv" in found:
        rows = list(csv.DictReader(io.StringIO(found["metadata.csv"].decode())))
    elif "metadata.jsonl" in found:
        rows = [json.loads(line) for line in found["metadata.jsonl"].splitlines()]
    else:
        return [(content, name.partition("/")[0]) for name, content in found.items()]
    assert len(rows) == len(found) - 1
    return [(found[row["file_name"]], row["label"]) for row in rows]


def test_the_same_bytes_every_time(folder: Path, tmp_path: Path) -> None:
    again = digits.prepare(tmp_path, PLAN)
    assert sorted(path.name for path in again) == sorted(path.name for path in folder.iterdir())
    assert all(path.read_bytes() == (folder / path.name).read_bytes() for path in again)


def test_the_package_has_pictures_enough() -> None:
    found, plan = digits.digits(), Plan()
    assert len({digit.png for digit in found}) == len(found) == 5000
    assert set(Counter(digit.label for digit in found).values()) == {500}
    assert len(found) > plan.first + plan.second + plan.good + 100


def test_pictures_are_kept_as_they_are_and_in_one_file_alone(folder: Path) -> None:
    first, second = (labelled(members(folder / name)) for name in (digits.FIRST, digits.SECOND))
    single = [(folder / name).read_bytes() for name in (digits.SINGLE, *digits.ASKED)]
    pictures = [content for content, _ in [*first, *second]] + single
    assert all(canonical(content).content == content for content in pictures)
    assert canonical(pictures[0]).size == (digits.SIDE, digits.SIDE)
    assert len({canonical(content).sha256 for content in pictures}) == 300 + 200 + 3
    assert min(Counter(label for _, label in first).values()) > 15


def test_a_picture_shows_its_digit() -> None:
    # Who writes a 1 takes little ink, and leaves the sides of the picture white: which is black here.
    def ink(label: str) -> float:
        shown = [Image.open(io.BytesIO(digit.png)) for digit in digits.digits()[:500] if digit.label == label]
        return sum(sum(image.tobytes()) for image in shown) / len(shown)

    assert ink("1") < min(ink(label) for label in "023456789")


def test_shuffling_keeps_pictures_and_the_number_of_each_label(folder: Path) -> None:
    true = [pair for name in (digits.FIRST, digits.SECOND) for pair in labelled(members(folder / name))]
    shuffled = labelled(members(folder / digits.SHUFFLED))
    assert [content for content, _ in shuffled] == [content for content, _ in true]
    assert Counter(label for _, label in shuffled) == Counter(label for _, label in true)
    assert sum(a == b for (_, a), (_, b) in zip(true, shuffled, strict=True)) / len(true) < 0.2


def rows(path: Path) -> list[Mapping[str, object] | RowRejected]:
    """What Prepare finds in a file."""
    with path.open("rb") as body:
        found = [row for _, row in read.rows(path.name, body, Data(), read_rows)]
    assert all(isinstance(row, (Mapping, RowRejected)) for row in found)
    return found  # type: ignore[return-value]  # just seen


@pytest.mark.parametrize("name", [digits.FIRST, digits.SECOND, digits.SHUFFLED])
def test_the_task_reads_each_file_as_it_was_meant(folder: Path, name: str) -> None:
    read_as = []
    for row in rows(folder / name):
        assert isinstance(row, Mapping)
        content = row["image"]
        assert isinstance(content, Content)
        read_as.append((content.sha256, row["label"]))
    meant = [(canonical(content).sha256, label) for content, label in labelled(members(folder / name))]
    assert read_as == meant


def test_exactly_the_broken_files_are_refused(folder: Path) -> None:
    refused = [row for row in rows(folder / digits.BROKEN) if isinstance(row, RowRejected)]
    assert [row.rule for row in refused] == ["truncated", "animated", "not-an-image", "too-many-pixels", "truncated"]
    assert [row.value for row in refused][:2] == ["0/0-cut-off.png", "1/1-moving.gif"]
    assert len(rows(folder / digits.BROKEN)) == 55


def test_the_single_picture_is_what_is_held(folder: Path) -> None:
    with pytest.raises(FileRejected, match="zip"):
        rows(folder / digits.SINGLE)
