"""What lands for a task of images: an archive becomes rows that are known by their pixels."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from PIL import Image

from domain import layout
from domain.data.records import Row
from domain.errors import EpochChanged
from lambdas.dataset import heldout_rows
from lambdas.dataset.heldout_rows import drawn, sample
from lambdas.dataset.shelf import Shelf
from lambdas.steps import prepare
from lambdas.storage import read_version
from tasks.image import read
from tasks.image.picture import canonical
from tests.lambdas.project import Project


@pytest.fixture
def pictures(project: Project) -> Project:
    project.configure("image", data={"features": ("image",)})
    return project


def picture(seed: int, kind: str = "PNG", **saved: Any) -> bytes:
    image = Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(192))
    body = io.BytesIO()
    image.save(body, kind, **saved)
    return body.getvalue()


def archive(files: Mapping[str, bytes]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return body.getvalue()


def many(count: int, start: int = 0, kind: str = "PNG", **saved: Any) -> dict[str, bytes]:
    """Pictures in the folders of two labels."""
    return {f"{'cat' if n % 2 else 'dog'}/{n}.png": picture(n, kind, **saved) for n in range(start, start + count)}


def ask(project: Project) -> dict[str, Any]:
    """Prepare, in an execution of its own."""
    if owner := project.env.ledger.claimed_by():
        project.env.ledger.release(owner)
    return prepare.handler({"execution": project.claim(), "reason": "drop", "from": "Settle"}, None)


def lines(project: Project, key: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in project.read(key).splitlines()]


def parts(project: Project, name: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a landed file by split."""
    source = project.source_of(name)
    return {split: lines(project, layout.part(1, split, source)) for split in layout.SPLITS}


def test_an_archive_becomes_rows_that_are_known_by_their_pixels(pictures: Project) -> None:
    pictures.drop("a.zip", archive(many(100)))
    assert ask(pictures)["outcome"] == "train"
    rows = [row for split in parts(pictures, "a.zip").values() for row in split]
    wanted = {canonical(content).sha256: name for name, content in many(100).items()}
    assert {row["id"]: row["label"] for row in rows} == {known: name[:3] for known, name in wanted.items()}
    assert all(row["features"].keys() == {"image"} for row in rows)


def test_the_same_pixels_are_the_same_row_however_they_are_stored(pictures: Project) -> None:
    pictures.drop("a.zip", archive(many(100)))
    ask(pictures)
    pictures.drop("b.zip", archive(many(100, kind="WEBP", lossless=True)))
    ask(pictures)
    one, other = parts(pictures, "a.zip"), parts(pictures, "b.zip")
    assert [{row["id"] for row in one[split]} for split in layout.SPLITS] == [
        {row["id"] for row in other[split]} for split in layout.SPLITS
    ]
    assert one["train"][0]["features"] != other["train"][0]["features"]


def test_a_rejected_picture_has_its_name_and_the_reason_in_quarantine(pictures: Project) -> None:
    pictures.drop(
        "a.zip", archive({**many(100), "cat/half.png": picture(0)[:60], f"{'x' * 300}/long.png": picture(900)})
    )
    assert ask(pictures)["outcome"] == "train"
    rejected = lines(pictures, layout.quarantine(pictures.source_of("a.zip")))
    assert (rejected[0]["rule"], rejected[0]["excerpt"]) == ("truncated", "'cat/half.png'")
    # What is wrong with a row beside its picture is shown with the picture's name, and never with its bytes.
    assert rejected[1]["rule"] == "too-long"
    assert "iVBOR" not in rejected[1]["excerpt"]


def test_what_is_no_archive_is_held_in_words(pictures: Project) -> None:
    pictures.drop("cat.png", picture(1))
    assert ask(pictures)["outcome"] == "nothing_new"
    (hold,) = pictures.env.ledger.held().values()
    assert ".zip" in hold.reason


def test_another_decoder_may_see_other_pixels_and_wants_another_epoch(
    pictures: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.drop("a.zip", archive(many(100)))
    ask(pictures)
    monkeypatch.setattr(read, "FROZEN", {"decoder": "Pillow 99"})
    with pytest.raises(EpochChanged, match=r"decoder cannot change.*Set data.epoch to 2"):
        ask(pictures)


def judged(project: Project, prepared: dict[str, Any]) -> Callable[[], Iterator[Row]]:
    """The held-out rows of a run's dataset, each time that they are asked for."""
    run = project.env.ledger.require_run(prepared["run"])
    version = read_version(project.env, 1, run.dataset)
    return lambda: heldout_rows.test_rows(project.env, version)


def test_pictures_that_are_judged_lie_on_disk(pictures: Project) -> None:
    pictures.drop("a.zip", archive(many(200)))
    rows = judged(pictures, ask(pictures))
    wanted, shelf = sample(rows(), 8), Shelf()
    found = drawn(pictures.env, rows, 8, shelf)
    assert list(found) == list(wanted)
    assert {known: {**row.features} for known, row in found.items()} == {
        known: row.features for known, row in wanted.items()
    }
    assert not any(isinstance(row.features, dict) for row in found.values())
    # Another draw on the same shelf leaves the first as it is.
    more = drawn(pictures.env, rows, 12, shelf)
    assert {**found[next(iter(wanted))].features} == {**more[next(iter(wanted))].features}


def test_the_last_word_on_a_picture_is_that_of_the_last_file(pictures: Project) -> None:
    pictures.drop("a.zip", archive(many(200)))
    ask(pictures)
    swapped = {
        name.replace("cat", "?").replace("dog", "cat").replace("?", "dog"): png for name, png in many(200).items()
    }
    pictures.drop("b.zip", archive(swapped))
    rows = judged(pictures, ask(pictures))
    wanted, found = sample(rows(), 8), drawn(pictures.env, rows, 8, Shelf())
    assert [row.label for row in found.values()] == [row.label for row in wanted.values()]
    before = {row["id"]: row["label"] for row in parts(pictures, "a.zip")["test"]}
    assert all(row.label != before[known] for known, row in found.items())
    assert {known: {**row.features} for known, row in found.items()} == {
        known: row.features for known, row in wanted.items()
    }


def test_no_more_pictures_are_judged_than_there_is_room_for(pictures: Project) -> None:
    pictures.drop("a.zip", archive(many(200)))
    rows = judged(pictures, ask(pictures))
    wanted = list(sample(rows(), 8).items())
    size = sum(len(row.features["image"]) for _, row in wanted[:5])
    assert list(drawn(pictures.env, rows, 8, Shelf(2 * size))) == [known for known, _ in wanted[:5]]
    # Too few to be asked about are not put there.
    assert all(not row.features for row in drawn(pictures.env, rows, 8, Shelf(), least=9).values())
