"""An archive is unpacked whole and verified, or refused with nothing left behind."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.artifact import ArtifactError
from serving.artifact import MAX_BYTES, MAX_MEMBERS, extract
from serving.manifest import load_manifest
from tests.tiny_model import pack

Member = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"x", **attributes: object) -> Member:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member, content


def special(name: str, kind: bytes, target: str = "") -> Member:
    return file(name, b"", type=kind, linkname=target)


def archive(path: Path, members: list[Member]) -> Path:
    with gzip.open(path, "wb") as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            # Written by hand, because TarFile.addfile copies as many bytes as the header claims.
            tar.fileobj.write(member.tobuf(tarfile.PAX_FORMAT) + content + b"\0" * (-len(content) % 512))
            tar.offset = tar.fileobj.tell()
    return path


@pytest.fixture(scope="module")
def good(model_dir: Path) -> list[Member]:
    return [file(path.name, path.read_bytes()) for path in sorted(model_dir.iterdir())]


def refuse(path: Path, reason: str, into: Path) -> None:
    """Assert that `path` is refused for `reason` and that nothing remains of it around `into`."""
    into.parent.mkdir()
    with pytest.raises(ArtifactError, match=reason):
        extract(path, into)
    assert list(into.parent.iterdir()) == []
    assert not (into.parent.parent / "evil").exists()


def test_unpacks_and_verifies(artifact: Path, model_dir: Path, tmp_path: Path) -> None:
    into = extract(artifact, tmp_path / "new" / "model")
    assert {path.name: path.read_bytes() for path in into.iterdir()} == {
        path.name: path.read_bytes() for path in model_dir.iterdir()
    }
    assert load_manifest(into).run == "run-1"
    assert list((tmp_path / "new").iterdir()) == [into]
    assert {path.stat().st_mode & 0o777 for path in into.iterdir()} == {0o644}
    assert into.stat().st_mode & 0o777 == 0o755


def test_unpacks_what_tar_makes_of_a_directory(good: list[Member], tmp_path: Path) -> None:
    members = [special(".", tarfile.DIRTYPE), *(file(f"./{member.name}", content) for member, content in good)]
    (tmp_path / "model").mkdir()
    into = extract(archive(tmp_path / "a.tar.gz", members), tmp_path / "model")
    assert load_manifest(into).run == "run-1"


@pytest.mark.parametrize("more", ["more.txt", "./more/note.txt"])
def test_refuses_what_the_manifest_does_not_list(good: list[Member], tmp_path: Path, more: str) -> None:
    members = [*good, *([special("./more", tarfile.DIRTYPE)] if "/" in more else []), file(more)]
    refuse(archive(tmp_path / "a.tar.gz", members), "is not listed in manifest.json", tmp_path / "inner" / "model")


def test_leaves_a_directory_in_use_alone(artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("data")
    with pytest.raises(FileExistsError):
        extract(artifact, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


OUTSIDE, LINK, SPECIAL = "points outside", "is a link", "is a device or other special file"
SPARSE_1 = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40)}
SPARSE_0 = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(2**40)}


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        ([file("../evil")], OUTSIDE),
        ([file("a/../../evil")], OUTSIDE),
        ([file("a/../b")], OUTSIDE),
        ([file("/tmp/evil")], OUTSIDE),
        ([file("..\\evil")], OUTSIDE),
        ([file("C:evil")], OUTSIDE),
        ([special("..", tarfile.DIRTYPE)], OUTSIDE),
        ([special("out", tarfile.SYMTYPE, "..")], LINK),
        ([special("passwd", tarfile.SYMTYPE, "/etc/passwd")], LINK),
        ([special("out", tarfile.SYMTYPE, ".."), file("out/evil")], LINK),
        ([special("hard", tarfile.LNKTYPE, "/etc/passwd")], LINK),
        ([special("hard", tarfile.LNKTYPE, "model.onnx")], LINK),
        ([special("pipe", tarfile.FIFOTYPE)], SPECIAL),
        ([special("disk", tarfile.BLKTYPE)], SPECIAL),
        ([special("zero", tarfile.CHRTYPE)], SPECIAL),
        ([special("what", b"Z")], "is a sparse|special file"),
        ([file("hole", b"1\n0\n1\n".ljust(512, b"\0"), pax_headers=SPARSE_1)], "sparse"),
        ([file("hole", pax_headers=SPARSE_0)], "sparse"),
        ([file("big", size=MAX_BYTES)], "bytes when unpacked"),
        ([file("big", pax_headers={"size": str(2**60)})], "bytes when unpacked"),
        ([file("negative", size=-512)], "impossible size|damaged"),
        ([file("deep", pax_headers={"comment": "x" * 2**24})], "asks to read"),
        ([special("folder", tarfile.DIRTYPE), file("folder")], "twice"),
        ([file("model.onnx")], "twice"),
        ([file("./model.onnx")], "twice"),
        ([file("model.onnx/inside")], "collide"),
        ([file("n" * 201)], "name"),
        ([file(f"f{index}", b"") for index in range(MAX_MEMBERS)], "more than 64 members"),
    ],
)
def test_refuses_hostile_members(good: list[Member], tmp_path: Path, hostile: list[Member], reason: str) -> None:
    refuse(archive(tmp_path / "a.tar.gz", [*good, *hostile]), reason, tmp_path / "inner" / "model")


def test_refuses_a_flood_of_extended_headers(good: list[Member], tmp_path: Path) -> None:
    flood = b"".join(tarfile.TarInfo.create_pax_global_header({"comment": "x"}) for _ in range(5000))
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(flood + gzip.decompress(archive(path, good).read_bytes())))
    refuse(path, "asks to read|damaged", tmp_path / "inner" / "model")


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_refuses_a_missing_file(good: list[Member], tmp_path: Path, missing: str) -> None:
    members = [(member, content) for member, content in good if member.name != missing]
    refuse(archive(tmp_path / "a.tar.gz", members), f"{missing} is missing", tmp_path / "inner" / "model")


@pytest.mark.parametrize("changed", ["model.onnx", "tokenizer.json"])
def test_refuses_a_wrong_checksum(good: list[Member], tmp_path: Path, changed: str) -> None:
    members = [file(m.name, content + b" ") if m.name == changed else (m, content) for m, content in good]
    refuse(archive(tmp_path / "a.tar.gz", members), f"{changed} does not have the checksum", tmp_path / "i" / "model")


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.9, 0.999])
def test_refuses_a_truncated_archive(artifact: Path, tmp_path: Path, part: float) -> None:
    content = artifact.read_bytes()
    (tmp_path / "a.tar.gz").write_bytes(content[: int(len(content) * part)])
    refuse(tmp_path / "a.tar.gz", "damaged|is missing", tmp_path / "inner" / "model")


def test_refuses_what_gzip_finds_damaged_at_the_very_end(artifact: Path, tmp_path: Path) -> None:
    content = bytearray(artifact.read_bytes())
    content[-5] ^= 1
    (tmp_path / "a.tar.gz").write_bytes(content)
    refuse(tmp_path / "a.tar.gz", "damaged", tmp_path / "inner" / "model")


@pytest.mark.parametrize("tail", [b"more", b"\0" * 2**21])
def test_refuses_what_follows_the_archive(artifact: Path, tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(artifact.read_bytes() + gzip.compress(tail))
    refuse(tmp_path / "a.tar.gz", "goes on", tmp_path / "inner" / "model")


NO_TARBALLS = [b"", b"not a tarball", gzip.compress(b"", mtime=0), gzip.compress(b"not a tarball" * 99, mtime=0)]


@pytest.mark.parametrize("content", NO_TARBALLS)
def test_refuses_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    refuse(tmp_path / "a.tar.gz", "damaged|is missing", tmp_path / "inner" / "model")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format must be 1"),
        ({"task": "summarization"}, "task"),
        ({"run": "a\r\nSet-Cookie: x"}, "run"),
        ({"features": None, "run": None}, "features.*; run"),
        ({"sha256": {}}, "sha256"),
        ({"sha256": {"model.onnx": "0", "tokenizer.json": "0", "../x": "0"}}, "sha256"),
    ],
)
def test_says_what_is_wrong_with_a_manifest(
    edited: Callable[..., Path], changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(ArtifactError, match=reason):
        load_manifest(edited(**changes))


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_refuses_a_manifest_that_is_no_object(edited: Callable[..., Path], content: bytes) -> None:
    directory = edited()
    (directory / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json is not"):
        load_manifest(directory)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused_or_harmless(artifact: Path, data: st.DataObject) -> None:
    content = bytearray(gzip.decompress(artifact.read_bytes()))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        headers = [member.offset for member in tar.getmembers()]
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.sampled_from(headers))
        content[start + data.draw(st.integers(0, 511))] = data.draw(st.integers(0, 255))
    for start in headers if data.draw(st.booleans()) else []:
        # With its checksum put right, a damaged header is read rather than refused at once.
        header = content[start : start + 512]
        header[148:156] = b" " * 8
        content[start + 148 : start + 156] = b"%06o\0 " % sum(header)
    with tempfile.TemporaryDirectory() as folder:
        tarball = Path(folder, "a.tar.gz")
        tarball.write_bytes(gzip.compress(bytes(content), 1))
        try:
            into = extract(tarball, Path(folder, "model"))
        except ArtifactError:
            assert list(Path(folder).iterdir()) == [tarball]
        else:
            assert load_manifest(into).run == "run-1"
            assert not any(path.is_symlink() for path in into.rglob("*"))


def test_the_same_files_pack_to_the_same_bytes(artifact: Path, model_dir: Path, tmp_path: Path) -> None:
    assert pack(model_dir, tmp_path / "again.tar.gz").read_bytes() == artifact.read_bytes()
    assert json.loads((model_dir / "metrics.json").read_text())
