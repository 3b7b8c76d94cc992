"""Nobody can make the function run out of memory, disk or time by a small file."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from typing import Any, cast

import pytest

from domain.data.records import FileRejected
from domain.data.settings import DataSettings
from lambdas.dataset.reading import read_rows
from tasks.image import read
from tasks.image.archive import MAX_ARCHIVE_BYTES, MAX_HEADER_BYTES, MAX_MEMBER_BYTES, MAX_MEMBERS, MAX_UNPACKED_BYTES
from tests.tasks.image.archives import CLASSES, WAYS, found, png, refused, tarred, zipped


def test_a_large_member() -> None:
    large = {"cat/9.png": bytes(MAX_MEMBER_BYTES + 1)}
    for key in ("a.zip", "a.tar.gz"):
        result = found(key, WAYS[key](CLASSES | large))
        assert (len(result.rows), result.rules()) == (3, {"cat/9.png": "too-large"})


def test_a_zip_bomb() -> None:
    # The same packed zeros under many names.
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/0.png", bytes(MAX_MEMBER_BYTES))
        archive.filelist += archive.filelist * (MAX_UNPACKED_BYTES // MAX_MEMBER_BYTES)
    assert len(out.getvalue()) < 100_000
    assert refused("a.zip", out.getvalue()).rule == "bomb"


def test_a_member_that_is_more_than_it_says() -> None:
    content = zipped({"cat/1.png": bytes(MAX_MEMBER_BYTES * 2), "dog/2.png": png(2)})
    lie = content.replace((MAX_MEMBER_BYTES * 2).to_bytes(4, "little"), (999).to_bytes(4, "little"))
    assert found("a.zip", lie).rules() == {"cat/1.png": "damaged"}


def test_a_tar_of_what_it_cannot_have() -> None:
    info = tarfile.TarInfo("cat/1.png")
    info.size = MAX_UNPACKED_BYTES + 1
    head = info.tobuf(tarfile.GNU_FORMAT)
    assert refused("a.tar", head + bytes(10_240)).rule == "bomb"
    assert refused("a.tgz", gzip.compress(head + bytes(10_240))).rule == "bomb"


def test_a_name_of_60_mb() -> None:
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        info = tarfile.TarInfo("cat/1.png")
        info.type, info.size = kind, 60_000_000
        content = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(info.size), 1)
        assert refused("a.tgz", content).rule == "bomb"


def test_names_without_end() -> None:
    info = tarfile.TarInfo("cat/1.png")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 10
    block = info.tobuf(tarfile.GNU_FORMAT) + b"x" * 10 + bytes(502)
    assert refused("a.tgz", gzip.compress(block * 100_000)).rule == "bomb"


def test_words_about_a_member_without_end() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("cat/1.png")
        info.pax_headers = {"comment": "x" * MAX_HEADER_BYTES}
        archive.addfile(info)
    assert refused("a.tgz", out.getvalue()).rule == "bomb"


def test_a_map_of_holes_without_end() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("cat/1.png")
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "cat/1.png"}
        told = b"1000000\n" + b"0\n" * 1_000_000
        info.size = len(told)
        archive.addfile(info, io.BytesIO(told))
    assert refused("a.tgz", out.getvalue()).rule == "bomb"


def test_metadata_that_do_not_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_TOLD", 1_000)
    table = "file_name,label\n" + "".join(f"{shade}.png,{'long' * 50}\n" for shade in range(10))
    error = refused("a.zip", zipped({"metadata.csv": table.encode()}))
    assert error.rule == "too-large"
    assert "1,000 characters" in str(error)


def test_more_pixels_than_can_be_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_PIXELS", 40)
    error = refused("a.zip", zipped(CLASSES))
    assert error.rule == "too-large"
    assert "40 pixels together" in str(error)


def test_a_name_without_end() -> None:
    name = f"cat/{'x' * 5_000}.png"
    result = found("a.tar", tarred(CLASSES | {name: png(9)}))
    assert result.rules() == {name[:200]: "path"}


@pytest.mark.slow
def test_a_million_tiny_members() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("cat/0.png", b"")
        archive.filelist += archive.filelist * MAX_MEMBERS
    empty = tarfile.TarInfo("cat/0.png").tobuf() * (MAX_MEMBERS + 1) + bytes(10_240)
    for key, content in (("a.zip", out.getvalue()), ("a.tar", empty)):
        error = refused(key, content)
        assert error.rule == "too-many-members"
        assert "over 100,000 files: split it" in str(error)


def test_an_archive_that_is_too_large() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    data = DataSettings(features=("image",))
    with pytest.raises(FileRejected) as caught:
        next(read.rows("a.zip", cast("Any", Endless()), data, read_rows))
    assert caught.value.rule == "too-large"
    assert f"over {MAX_ARCHIVE_BYTES:,}" in str(caught.value)
