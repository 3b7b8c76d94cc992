"""Archives of pictures as people drop them, by mistake and by malice, each with what has to become of it."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import pytest
from PIL import Image

from domain.data.records import Content, Contract, FileRejected, Rejected, RowRejected, RowSetAside, parse_row
from domain.data.settings import DataSettings
from lambdas.dataset.reading import read_rows
from lambdas.dataset.s3_objects import Hashed
from tasks.image import read, row
from tasks.image.archive import MAX_ARCHIVE_BYTES, MAX_HEADER_BYTES, MAX_MEMBER_BYTES, MAX_MEMBERS, MAX_UNPACKED_BYTES
from tasks.image.picture import canonical

Files = dict[str, bytes]


class Found(NamedTuple):
    """What an archive comes to: (place, name, label) of what can be used, and what cannot, with its place."""

    rows: list[tuple[int, str, object]]
    rejected: list[tuple[int, RowRejected]]
    raw: list[Mapping[str, object]]

    def rules(self) -> dict[object, str]:
        return {error.value: error.rule for _, error in self.rejected}


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: Files, mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with cast("Any", tarfile.open)(fileobj=out, mode=mode, format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tgz(files: Files) -> bytes:
    return tarred(files, "w:gz")


WAYS: dict[str, Callable[[Files], bytes]] = {"a.zip": zipped, "a.tar": tarred, "a.tar.gz": tgz, "A.TGZ": tgz}


def found(key: str, content: bytes, **data: Any) -> Found:
    """All that is read of a dropped archive, from a stream like that of S3."""
    result = Found([], [], [])
    stream = cast("io.BufferedReader", Hashed(io.BytesIO(content)))
    for place, item in read.rows(key, stream, DataSettings(features=("image",), **data), read_rows):
        if isinstance(item, Rejected):
            assert isinstance(item, RowRejected)
            result.rejected.append((place, item))
        else:
            result.rows.append((place, cast("Content", item["image"]).name, item.get("label")))
            result.raw.append(item)
    return result


def refused(key: str, content: bytes, **data: Any) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        found(key, content, **data)
    return caught.value


CLASSES = {"cat/1.png": png(1), "cat/2.png": png(2), "dog/1.png": png(3)}


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


class TestMetadata:
    """A table in the archive says more of its pictures than their folders do."""

    CSV = b"file_name,label,extra\ncat/1.png,Katze,x\ncat/2.png,Kater,y\ndog/1.png,Hund,z\n"

    def of(self, table: bytes, name: str = "metadata.csv", key: str = "a.zip", **data: Any) -> Found:
        return found(key, WAYS[key](CLASSES | {name: table}), **data)

    @pytest.mark.parametrize("key", WAYS)
    @pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
    def test_it_gives_the_labels(self, name: str, key: str) -> None:
        lines = "".join(
            json.dumps({"file_name": file, "label": label}) + "\n"
            for file, label in (("dog/1.png", "Hund"), ("./cat/1.png", "Katze"), ("cat\\2.png", "Kater"))
        )
        result = self.of(self.CSV if name == "metadata.csv" else lines.encode(), name, key)
        assert result.rejected == []
        assert result.rows == [(1, "cat/1.png", "Katze"), (2, "cat/2.png", "Kater"), (3, "dog/1.png", "Hund")]

    def test_it_may_stand_anywhere_and_names_are_relative_to_it(self) -> None:
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

    def test_it_gives_group_and_slice(self) -> None:
        table = b"owner,file_name,home,label\nann,cat/1.png,in,x\nann,cat/2.png,,x\nbob,dog/1.png,out,y\n"
        raw = self.of(table, group="owner", slice="home").raw
        assert [(row["owner"], row["home"]) for row in raw] == [("ann", "in"), ("ann", ""), ("bob", "out")]
        assert "extra" not in self.of(self.CSV).raw[0]

    def test_it_is_needed_for_a_group(self) -> None:
        error = refused("a.zip", zipped(CLASSES), group="owner")
        assert error.rule == "metadata"
        assert "'owner' keeps rows together, and only a metadata.csv can give it: add one" in str(error)

    def test_what_is_in_one_of_both_alone_is_told(self) -> None:
        table = b"file_name,label\ncat/1.png,Katze\ncat/9.png,Katze\n,Hund\n../x.png,Hund\ncat/1.png,Hund\n"
        result = self.of(table)
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

    def test_rows_that_are_broken_are_told(self) -> None:
        result = self.of(b'{"file_name": "cat/1.png", "label": 3}\nnonsense\n[1]\n{"label": "x"}\n', "metadata.jsonl")
        assert result.rows == [(1, "cat/1.png", 3)]
        rules = [error.rule for _, error in result.rejected]
        assert rules == ["not-json", "not-an-object", "no-picture", "not-described", "not-described"]

    def test_what_a_person_should_know_of_it_is_passed_on(self) -> None:
        table = b"FILE_NAME,Label\ncat/1.png,Katze\nFILE_NAME,Label\ncat/2.png,Kater\ndog/1.png,Hund\n"
        stream = io.BytesIO(zipped(CLASSES | {"metadata.csv": table}))
        items: list[object] = [
            item for _, item in read.rows("a.zip", stream, DataSettings(features=("image",)), read_rows)
        ]
        assert [item for item in items if isinstance(item, str)] == [
            "its column 'FILE_NAME' was taken for 'file_name'",
            "its column 'Label' was taken for 'label'",
        ]
        assert [item.rule for item in items if isinstance(item, RowSetAside)] == ["header-again"]
        assert sum(isinstance(item, dict) for item in items) == 3

    def test_a_picture_that_is_broken_is_told_once(self) -> None:
        files = {"1.png": png(1)[:-30], "metadata.csv": b"file_name,label\n1.png,x\n"}
        assert found("a.zip", zipped(files)).rules() == {"1.png": "truncated"}

    def test_a_name_is_the_same_however_it_is_composed(self) -> None:
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
    def test_of_what_is_no_metadata_the_file_is_told(self, files: Files, rule: str, words: str) -> None:
        error = refused("a.zip", zipped(CLASSES | files))
        assert error.rule == rule
        assert words in str(error)


@pytest.mark.parametrize(
    ("key", "content", "rule", "words"),
    [
        ("cat.jpg", png(1), "kind", "a single picture: put it into a .zip, in a folder that is named after its label"),
        ("cat.PNG", png(1), "kind", "put it into a .zip"),
        ("rows.csv", b"text,label\n", "kind", "or with this table as metadata.csv"),
        ("rows.jsonl.gz", b"", "kind", "a table, and pictures are expected"),
        ("a.rar", b"Rar!", "kind", "name it .zip, .tar, .tar.gz or .tgz"),
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


def test_folders_and_files_as_some_windows_programs_name_them() -> None:
    files = {"cat\\": b"", "cat\\1.png": png(1), "dog\\small\\2.png": png(2)}
    result = found("a.zip", zipped(files))
    assert result.rows == [(2, "cat/1.png", "cat"), (3, "dog/small/2.png", "small")]
    assert result.rejected == []


def test_a_file_without_a_name_is_told() -> None:
    content = zipped({"cat/1.png": png(1), "q": png(2)})
    nameless = content.replace(b"q", b"\0")
    assert found("a.zip", nameless).rules() == {"": "no-label"}


def test_links_in_a_zip_are_told() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("cat/1.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("cat/2.png", png(2))
    result = found("a.zip", out.getvalue())
    assert (len(result.rows), result.rules()) == (1, {"cat/1.png": "link"})


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


class TestNames:
    """Where an archive does not say how its names are spelled, they may be UTF-8, and nothing else is guessed."""

    def zip_with(self, name: bytes) -> bytes:
        held = "k" * len(name)
        return zipped({f"{held}/1.png": png(1), "dog/2.png": png(2)}).replace(held.encode(), name)

    def test_utf8_that_is_not_said_to_be(self) -> None:
        assert found("a.zip", self.zip_with("kätzchen".encode())).rows[0] == (1, "kätzchen/1.png", "kätzchen")

    def test_utf8_that_is_said_to_be(self) -> None:
        assert found("a.zip", zipped({"kätzchen/1.png": png(1)})).rows == [(1, "kätzchen/1.png", "kätzchen")]

    def test_another_encoding_is_told(self) -> None:
        for result in (
            found("a.zip", self.zip_with("kätzchen".encode("cp1252"))),
            found("a.tar", tarred({"k\udce4tzchen/1.png": png(1), "dog/2.png": png(2)}, form=tarfile.GNU_FORMAT)),
        ):
            assert [error.rule for _, error in result.rejected] == ["encoding"]
            assert [label for *_, label in result.rows] == ["dog"]

    def test_metadata_under_such_a_name_are_told_without_it(self) -> None:
        files = {"k\udce4tz/metadata.csv": b"file_name,label\n", "dog/2.png": png(2)}
        error = refused("a.tar", tarred(files, form=tarfile.GNU_FORMAT))
        assert error.rule == "metadata"
        assert str(error).isascii()
        assert "not UTF-8" in str(error)

    def test_what_is_said_to_be_utf8_and_is_not(self) -> None:
        content = zipped({"kätzchen/1.png": png(1)}).replace("ä".encode(), b"\xe4\xe4")
        assert refused("a.zip", content).rule == "encoding"

    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    def test_long_ones_in_each_kind_of_tar(self, form: int) -> None:
        name = "/".join(["größe" * 5] * 4) + "/cat/1.png"
        assert found("a.tar", tarred({name: png(1)}, form=form)).rows == [(1, name, "cat")]


class TestTooMuch:
    """Nobody can make the function run out of memory, disk or time by a small file."""

    def test_a_large_member(self) -> None:
        large = {"cat/9.png": bytes(MAX_MEMBER_BYTES + 1)}
        for key in ("a.zip", "a.tar.gz"):
            result = found(key, WAYS[key](CLASSES | large))
            assert (len(result.rows), result.rules()) == (3, {"cat/9.png": "too-large"})

    def test_a_zip_bomb(self) -> None:
        # The same packed zeros under many names.
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("cat/0.png", bytes(MAX_MEMBER_BYTES))
            archive.filelist += archive.filelist * (MAX_UNPACKED_BYTES // MAX_MEMBER_BYTES)
        assert len(out.getvalue()) < 100_000
        assert refused("a.zip", out.getvalue()).rule == "bomb"

    def test_a_member_that_is_more_than_it_says(self) -> None:
        content = zipped({"cat/1.png": bytes(MAX_MEMBER_BYTES * 2), "dog/2.png": png(2)})
        lie = content.replace((MAX_MEMBER_BYTES * 2).to_bytes(4, "little"), (999).to_bytes(4, "little"))
        assert found("a.zip", lie).rules() == {"cat/1.png": "damaged"}

    def test_a_tar_of_what_it_cannot_have(self) -> None:
        info = tarfile.TarInfo("cat/1.png")
        info.size = MAX_UNPACKED_BYTES + 1
        head = info.tobuf(tarfile.GNU_FORMAT)
        assert refused("a.tar", head + bytes(10_240)).rule == "bomb"
        assert refused("a.tgz", gzip.compress(head + bytes(10_240))).rule == "bomb"

    def test_a_name_of_60_mb(self) -> None:
        for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            info = tarfile.TarInfo("cat/1.png")
            info.type, info.size = kind, 60_000_000
            content = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(info.size), 1)
            assert refused("a.tgz", content).rule == "bomb"

    def test_names_without_end(self) -> None:
        info = tarfile.TarInfo("cat/1.png")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 10
        block = info.tobuf(tarfile.GNU_FORMAT) + b"x" * 10 + bytes(502)
        assert refused("a.tgz", gzip.compress(block * 100_000)).rule == "bomb"

    def test_words_about_a_member_without_end(self) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo("cat/1.png")
            info.pax_headers = {"comment": "x" * MAX_HEADER_BYTES}
            archive.addfile(info)
        assert refused("a.tgz", out.getvalue()).rule == "bomb"

    def test_a_map_of_holes_without_end(self) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo("cat/1.png")
            info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "cat/1.png"}
            told = b"1000000\n" + b"0\n" * 1_000_000
            info.size = len(told)
            archive.addfile(info, io.BytesIO(told))
        assert refused("a.tgz", out.getvalue()).rule == "bomb"

    def test_metadata_that_do_not_fit_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(read, "MAX_TOLD", 1_000)
        table = "file_name,label\n" + "".join(f"{shade}.png,{'long' * 50}\n" for shade in range(10))
        error = refused("a.zip", zipped({"metadata.csv": table.encode()}))
        assert error.rule == "too-large"
        assert "1,000 characters" in str(error)

    def test_more_pixels_than_can_be_decoded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(read, "MAX_PIXELS", 40)
        error = refused("a.zip", zipped(CLASSES))
        assert error.rule == "too-large"
        assert "40 pixels together" in str(error)

    def test_a_name_without_end(self) -> None:
        name = f"cat/{'x' * 5_000}.png"
        result = found("a.tar", tarred(CLASSES | {name: png(9)}))
        assert result.rules() == {name[:200]: "path"}

    @pytest.mark.slow
    def test_a_million_tiny_members(self) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("cat/0.png", b"")
            archive.filelist += archive.filelist * MAX_MEMBERS
        empty = tarfile.TarInfo("cat/0.png").tobuf() * (MAX_MEMBERS + 1) + bytes(10_240)
        for key, content in (("a.zip", out.getvalue()), ("a.tar", empty)):
            error = refused(key, content)
            assert error.rule == "too-many-members"
            assert "over 100,000 files: split it" in str(error)

    def test_an_archive_that_is_too_large(self) -> None:
        class Endless(io.RawIOBase):
            def read(self, size: int = -1) -> bytes:
                return bytes(size)

        data = DataSettings(features=("image",))
        with pytest.raises(FileRejected) as caught:
            next(read.rows("a.zip", cast("Any", Endless()), data, read_rows))
        assert caught.value.rule == "too-large"
        assert f"over {MAX_ARCHIVE_BYTES:,}" in str(caught.value)


def test_the_decoder_is_frozen() -> None:
    assert read.FROZEN == {"decoder": "Pillow 13.0.0"}
