"""Archives of pictures by their folders: a label each, and what cannot be used by its name."""

from __future__ import annotations

import base64
import io
import tarfile
import unicodedata
import zipfile
from typing import Any, cast

import pytest

from domain.data.records import Content, Contract, parse_row
from domain.data.settings import DataSettings
from tasks.image import read, row
from tasks.image.picture import canonical
from tests.tasks.image.archives import CLASSES, WAYS, found, png, refused, tarred, tgz, zipped


@pytest.mark.parametrize("key", WAYS)
def test_a_folder_is_a_label(key: str) -> None:
    assert found(key, WAYS[key](CLASSES)) == (
        [(1, "cat/1.png", "cat"), (2, "cat/2.png", "cat"), (3, "dog/1.png", "dog")],
        [],
        [
            {"image": Content(canonical(content).sha256, base64.b64encode(content).decode(), name), "label": name[:3]}
            for name, content in CLASSES.items()
        ],
    )


@pytest.mark.parametrize("key", WAYS)
def test_the_last_folder_counts(key: str) -> None:
    files = {"./pets/train/cat/1.png": png(1), "pets//test/dog/2.png": png(2)}
    assert found(key, WAYS[key](files)).rows == [
        (1, "pets/train/cat/1.png", "cat"),
        (2, "pets/test/dog/2.png", "dog"),
    ]


def test_a_label_is_spelled_as_any_label_is() -> None:
    name = unicodedata.normalize("NFD", "Größe")
    (raw,) = found("a.tar", tarred({f" {name}  1 /x.png": png(1)})).raw
    contract = Contract(tuple(row.columns(DataSettings(features=("image",)))), "label", None, 10, 10)
    accepted, _ = parse_row(raw, contract)
    assert accepted.label == "Größe 1"
    assert accepted.id == canonical(png(1)).sha256
    assert base64.b64decode(accepted.features["image"]) == png(1)


@pytest.mark.parametrize("key", WAYS)
def test_what_systems_add_is_passed_over(key: str) -> None:
    junk = ("__MACOSX/cat/._1.png", ".DS_Store", "cat/.DS_Store", "cat/Thumbs.db", "cat/desktop.ini", ".git/x/y.png")
    content = WAYS[key](dict.fromkeys(junk, b"junk") | CLASSES)
    assert found(key, content).rejected == []
    assert [place for place, *_ in found(key, content).rows] == [7, 8, 9]


@pytest.mark.parametrize("key", WAYS)
def test_what_cannot_be_used_comes_by_its_name(key: str) -> None:
    bad = {
        "alone.png": (png(9), "no-label"),
        "cat/notes.txt": (b"hello", "not-an-image"),
        "cat/empty.png": (b"", "not-an-image"),
        "cat/cut.png": (png(9)[:-30], "truncated"),
        "cat/photo.heic": (b"\0\0\0\x18ftypheic", "format"),
        "cat/more.zip": (zipped(CLASSES), "nested"),
        "more.tar.gz": (tgz(CLASSES), "nested"),
        "../cat/1.png": (png(9), "path"),
        "cat/../../1.png": (png(9), "path"),
        "/etc/1.png": (png(9), "path"),
        "C:\\cat\\1.png": (png(9), "path"),
        "..\\cat\\1.png": (png(9), "path"),
    }
    result = found(key, WAYS[key](CLASSES | {name: content for name, (content, _) in bad.items()}))
    assert len(result.rows) == 3
    assert result.rules() == {name.replace("\\", "/"): rule for name, (_, rule) in bad.items()}
    assert [place for place, _ in result.rejected] == list(range(4, 16))
    assert all(": " in str(error) for _, error in result.rejected)


@pytest.mark.parametrize("key", WAYS)
def test_empty_folders_are_no_pictures(key: str) -> None:
    out = io.BytesIO()
    if key == "a.zip":
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("cat/", b"")
    else:
        with cast("Any", tarfile.open)(fileobj=out, mode="w" if key == "a.tar" else "w:gz") as archive:
            folder = tarfile.TarInfo("cat")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
    for content in (out.getvalue(), WAYS[key]({}), WAYS[key]({".DS_Store": b"x"})):
        error = refused(key, content)
        assert error.rule == "no-rows"
        assert "no pictures" in str(error)


def test_the_decoder_is_frozen() -> None:
    assert read.FROZEN == {"decoder": "Pillow 13.0.0"}
