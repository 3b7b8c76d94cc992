"""Names in an archive: where it does not say how they are spelled, they may be UTF-8, and nothing else is guessed."""

from __future__ import annotations

import io
import tarfile

import pytest

from tests.tasks.image.archives import found, png, refused, tarred, zipped


def test_folders_and_files_as_some_windows_programs_name_them() -> None:
    files = {"cat\\": b"", "cat\\1.png": png(1), "dog\\small\\2.png": png(2)}
    result = found("a.zip", zipped(files))
    assert result.rows == [(2, "cat/1.png", "cat"), (3, "dog/small/2.png", "small")]
    assert result.rejected == []


def test_a_file_without_a_name_is_told() -> None:
    content = zipped({"cat/1.png": png(1), "q": png(2)})
    nameless = content.replace(b"q", b"\0")
    assert found("a.zip", nameless).rules() == {"": "no-label"}


def test_two_files_of_one_name_are_told() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("cat/1.png", "cat/./1.png"):
            info = tarfile.TarInfo(name)
            info.size = len(png(1))
            archive.addfile(info, io.BytesIO(png(1)))
    result = found("a.tar", out.getvalue())
    assert result.rows == []
    assert [(error.rule, error.value) for _, error in result.rejected] == [("twice", "cat/1.png")] * 2


def zip_with(name: bytes) -> bytes:
    held = "k" * len(name)
    return zipped({f"{held}/1.png": png(1), "dog/2.png": png(2)}).replace(held.encode(), name)


def test_utf8_that_is_not_said_to_be() -> None:
    assert found("a.zip", zip_with("kätzchen".encode())).rows[0] == (1, "kätzchen/1.png", "kätzchen")


def test_utf8_that_is_said_to_be() -> None:
    assert found("a.zip", zipped({"kätzchen/1.png": png(1)})).rows == [(1, "kätzchen/1.png", "kätzchen")]


def test_another_encoding_is_told() -> None:
    for result in (
        found("a.zip", zip_with("kätzchen".encode("cp1252"))),
        found("a.tar", tarred({"k\udce4tzchen/1.png": png(1), "dog/2.png": png(2)}, form=tarfile.GNU_FORMAT)),
    ):
        assert [error.rule for _, error in result.rejected] == ["encoding"]
        assert [label for *_, label in result.rows] == ["dog"]


def test_metadata_under_such_a_name_are_told_without_it() -> None:
    files = {"k\udce4tz/metadata.csv": b"file_name,label\n", "dog/2.png": png(2)}
    error = refused("a.tar", tarred(files, form=tarfile.GNU_FORMAT))
    assert error.rule == "metadata"
    assert str(error).isascii()
    assert "not UTF-8" in str(error)


def test_what_is_said_to_be_utf8_and_is_not() -> None:
    content = zipped({"kätzchen/1.png": png(1)}).replace("ä".encode(), b"\xe4\xe4")
    assert refused("a.zip", content).rule == "encoding"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_ones_in_each_kind_of_tar(form: int) -> None:
    name = "/".join(["größe" * 5] * 4) + "/cat/1.png"
    assert found("a.tar", tarred({name: png(1)}, form=form)).rows == [(1, name, "cat")]
