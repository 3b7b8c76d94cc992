"""What is dropped as an archive and is none, is damaged, or holds what is no file: told in words."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from tests.tasks.image.archives import CLASSES, WAYS, found, png, refused, tarred, tgz, zipped


@pytest.mark.parametrize(
    ("key", "content", "rule", "words"),
    [
        ("cat.jpg", png(1), "kind", "a single picture: put it into a .zip, in a folder that is named after its label"),
        ("cat.PNG", png(1), "kind", "put it into a .zip"),
        ("rows.csv", b"text,label\n", "kind", "or with this table as metadata.csv"),
        ("rows.jsonl.gz", b"", "kind", "a table, and pictures are expected"),
        ("a.rar", b"Rar!", "kind", "put pictures into a .zip, .tar, .tar.gz or .tgz, in folders"),
        ("a.zip", png(1), "kind", "it is a single picture (PNG): put it into a .zip"),
        ("a.zip", tarred(CLASSES), "kind", "it is tar inside: let its name end in .tar"),
        ("a.zip", tgz(CLASSES), "kind", "let its name end in .tar.gz"),
        ("a.tar", tgz(CLASSES), "kind", "let its name end in .tar.gz"),
        ("a.tar", zipped(CLASSES), "kind", "let its name end in .zip"),
        ("a.tgz", tarred(CLASSES), "kind", "let its name end in .tar"),
        ("a.tar.gz", tarred(CLASSES, "w:xz"), "kind", "it is xz inside: make it a .zip"),
        ("a.tar.gz", gzip.compress(b"hello"), "gzip", "not a whole tar.gz archive"),
        ("a.tar.gz", gzip.compress(zipped(CLASSES)), "gzip", "not a whole tar.gz archive"),
        ("a.zip", b"", "zip", "the file is empty"),
        ("a.tar", b"", "tar", "the file is empty"),
        ("a.zip", b"hello " * 500, "zip", "not a whole zip archive"),
        ("a.tar", b"hello " * 500, "tar", "not a whole tar archive"),
        ("a.tar", tarred(CLASSES) * 2, "tar", "it goes on after its end"),
        ("a.tgz", tgz(CLASSES) * 2, "gzip", "it goes on after its end"),
        ("a.tgz", tgz(CLASSES) + b"more", "gzip", "not a whole tar.gz archive"),
    ],
    # Archives have the time in them, and the workers of a test run must find tests of the same names.
    ids=lambda value: value if isinstance(value, str) else "holds",
)
def test_what_is_no_archive_is_told(key: str, content: bytes, rule: str, words: str) -> None:
    error = refused(key, content)
    assert error.rule == rule
    assert words in str(error)


@pytest.mark.parametrize("key", ["a.zip", "a.tar", "a.tar.gz"])
def test_a_part_of_an_archive_is_refused(key: str) -> None:
    content = WAYS[key](CLASSES)
    # A tar ends with many blocks of zeros, of which some may be missing.
    end = len(content.rstrip(b"\0") if key == "a.tar" else content)
    for size in range(1, end, 97):
        assert refused(key, content[:size]).rule == {"a.zip": "zip", "a.tar": "tar", "a.tar.gz": "gzip"}[key]


def test_a_damaged_header_does_not_end_a_tar() -> None:
    content = bytearray(tarred(CLASSES))
    content[content.index(b"dog/1.png")] ^= 1
    error = refused("a.tar", bytes(content))
    assert error.rule == "tar"
    assert "damaged" in str(error)


def test_a_damaged_member_of_a_zip_leaves_the_others() -> None:
    content = bytearray(zipped(CLASSES, zipfile.ZIP_STORED))
    content[content.index(png(2)) + 40] ^= 1
    assert found("a.zip", bytes(content)).rules() == {"cat/2.png": "damaged"}
    assert len(found("a.zip", bytes(content)).rows) == 2


def test_members_before_the_beginning_of_a_zip_are_told() -> None:
    content = bytearray(zipped(CLASSES))
    # Where the list of members begins, by the last record.
    content[-6:-2] = (int.from_bytes(content[-6:-2], "little") + 5).to_bytes(4, "little")
    assert set(found("a.zip", bytes(content)).rules().values()) == {"damaged"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_way_to_pack_is_told(method: int) -> None:
    error = found("a.zip", zipped(CLASSES, method)).rejected[0][1]
    assert error.rule == "damaged"
    assert "zip it by Deflate" in str(error)


def test_an_encrypted_zip_is_told() -> None:
    content = bytearray(zipped(CLASSES))
    content[content.index(b"PK\3\4") + 6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    error = refused("a.zip", bytes(content))
    assert error.rule == "encrypted"
    assert "zip it without" in str(error)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_told(kind: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("cat/0.png", "cat/1.png"):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = (kind, "/etc/passwd") if name == "cat/1.png" else (tarfile.REGTYPE, "")
            info.size = 0 if info.linkname else len(png(1))
            archive.addfile(info, io.BytesIO(png(1)))
    result = found("a.tar", out.getvalue())
    assert (len(result.rows), result.rules()) == (1, {"cat/1.png": "link"})


def test_links_in_a_zip_are_told() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("cat/1.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("cat/2.png", png(2))
    result = found("a.zip", out.getvalue())
    assert (len(result.rows), result.rules()) == (1, {"cat/1.png": "link"})
