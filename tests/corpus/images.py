"""Bad archives of pictures."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from PIL import Image

# Loaded here, since the packages that tests/lambdas/confined.py knows are those of a project of texts, without Pillow.
from tasks.image import read  # noqa: F401
from tasks.image.archive import MAX_MEMBER_BYTES, MAX_MEMBERS, MAX_UNPACKED_BYTES
from tests.corpus.dropped import Corpus, Good, partly, whole

# Names and contents of an archive, in its order: a name may come twice.
Files = Iterable[tuple[str, bytes]]
_SIDE = 8


def _image(seed: int) -> Image.Image:
    return Image.frombytes("RGB", (_SIDE, _SIDE), random.Random(seed).randbytes(3 * _SIDE * _SIDE))


def _saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    body = io.BytesIO()
    image.save(body, kind, **options)
    return body.getvalue()


def _label(number: int) -> str:
    return "cat" if number % 2 else "dog"


PICTURES = tuple((f"{_label(number)}/{number}.png", _saved(_image(number))) for number in range(40))
_NAMES = [name for name, _ in PICTURES]


def _known(image: Image.Image) -> str:
    """What a picture is known by: its size and the pixels that are seen."""
    return hashlib.sha256(struct.pack(">II", *image.size) + image.convert("RGB").tobytes()).hexdigest()


def _good(*more: tuple[Image.Image, str]) -> list[Good]:
    """The good pictures, and others with their labels."""
    own = [(_image(number), _label(number)) for number in range(40)]
    return [(_known(image), label) for image, label in (*own, *more)]


def _zip(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # of a name that comes twice
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def _tar(files: Files, mode: str = "w", links: Mapping[str, str] | None = None) -> bytes:
    """A tar, with symbolic links by what they are to lead to."""
    out = io.BytesIO()
    with cast("Any", tarfile.open)(fileobj=out, mode=mode) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


def _with(*files: tuple[str, bytes]) -> bytes:
    """A zip of the good pictures and other files."""
    return _zip([*PICTURES, *files])


def _described(table: str, name: str = "metadata.csv") -> bytes:
    """A zip of the good pictures without their folders, and a file of metadata."""
    return _zip([*((one.rpartition("/")[2], content) for one, content in PICTURES), (name, table.encode())])


def _table(*more: str, pictures: int = 40) -> str:
    lines = [f"{number}.png,{_label(number)}" for number in range(pictures)]
    return "\n".join(["file_name,label", *lines, *more, ""])


def _lines(*more: str) -> str:
    lines = [json.dumps({"file_name": f"{number}.png", "label": _label(number)}) for number in range(40)]
    return "\n".join([*lines, *more])


def _encrypted() -> bytes:
    content = bytearray(_zip(PICTURES))
    content[content.index(b"PK\3\4") + 6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    return bytes(content)


def _zip_bomb() -> bytes:
    """The same packed zeros under many names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/0.png", bytes(MAX_MEMBER_BYTES))
        archive.filelist += archive.filelist * (MAX_UNPACKED_BYTES // MAX_MEMBER_BYTES)
    return out.getvalue()


def _crowded_zip() -> bytes:
    """The same empty file under the same name, too often."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("cat/0.png", b"")
        archive.filelist += archive.filelist * MAX_MEMBERS
    return out.getvalue()


def _tar_bomb() -> bytes:
    info = tarfile.TarInfo("cat/1.png")
    info.size = MAX_UNPACKED_BYTES + 1
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))


def _damaged_member() -> bytes:
    """A zip, stored, one picture of which is not what its checksum says."""
    content = _zip([*PICTURES, ("cat/damaged.png", b"what was put in")], zipfile.ZIP_STORED)
    return content.replace(b"what was put in", b"what was put on")


def _of_size(width: int, height: int) -> bytes:
    """A PNG that says it has so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _animated(kind: str) -> bytes:
    return _saved(_image(1), kind, save_all=True, append_images=[_image(2)])


def _linked() -> bytes:
    links = {"cat/link.png": "0.png", "cat/passwd.png": "/etc/passwd", "dog/out.png": "../../out.png"}
    return _tar(PICTURES, links=links)


_FLAT = [(name.rpartition("/")[2], content) for name, content in PICTURES]
_OUTSIDE = [(f"../{name}", content) for name, content in PICTURES]
_CMYK, _GREY = _image(50).convert("CMYK"), _image(51).convert("L")
_PALETTE = _image(52).quantize(16)
_CLEAR = Image.new("RGBA", (_SIDE, _SIDE), (255, 0, 0, 0))
_SIXTEEN = Image.frombytes("I;16", (_SIDE, _SIDE), bytes([7, 200]) * (_SIDE * _SIDE))
_TURNED = Image.Exif()
_TURNED[0x0112] = 6
_JPEG = _saved(_image(54), "JPEG", exif=_TURNED)
_UPRIGHT = Image.open(io.BytesIO(_JPEG)).transpose(Image.Transpose.ROTATE_270)
_CMYK_JPEG = _saved(_CMYK, "JPEG", quality=100)

_WHOLLY_BAD = (
    # Nothing in it
    whole("empty.zip", lambda: b"", "zip", "the file is empty: make the archive again"),
    whole("empty.tar.gz", lambda: b"", "gzip", "the file is empty: make the archive again"),
    whole("packed emptiness.tar.gz", lambda: gzip.compress(b""), "gzip", "not a whole tar.gz archive"),
    whole("no file.zip", lambda: _zip([]), "no-rows", "no pictures: the archive is empty"),
    whole("no file.tar", lambda: _tar([]), "no-rows", "no pictures: the archive is empty"),
    whole("folders alone.zip", lambda: _zip([("cat/", b""), ("dog/", b"")]), "no-rows", "holds empty folders alone"),
    whole("hidden.zip", lambda: _zip([(f"__MACOSX/{name}", b"") for name in _NAMES]), "no-rows", "no pictures"),
    # No archive, or another one than its name says
    whole("cat.png", lambda: PICTURES[1][1], "kind", "a single picture: put it into a .zip, in a folder"),
    whole("picture.zip", lambda: PICTURES[1][1], "kind", "it is a single picture (PNG): put it into a .zip"),
    whole("photo.tar", lambda: _JPEG, "kind", "it is a single picture (JPEG)"),
    whole("labels.csv", lambda: _table().encode(), "kind", "a table, and pictures are expected"),
    whole("picture.csv.gz", lambda: gzip.compress(PICTURES[1][1]), "kind", "put them into a .zip, in folders"),
    whole("photo.json.gz", lambda: gzip.compress(_JPEG), "kind", "put them into a .zip, in folders"),
    whole("notes.txt", lambda: b"hello", "kind", "unknown kind of file: put pictures into a .zip"),
    whole("words.zip", lambda: b"hello " * 99, "zip", "not a whole zip archive: make it, or copy it, again"),
    whole("zip.tar", lambda: _zip(PICTURES), "kind", "it is zip inside: let its name end in .zip"),
    whole("tar.zip", lambda: _tar(PICTURES), "kind", "it is tar inside: let its name end in .tar"),
    whole("packed.tar", lambda: _tar(PICTURES, "w:gz"), "kind", "it is gzip inside: let its name end in .tar.gz"),
    whole("bzip2.tar", lambda: _tar(PICTURES, "w:bz2"), "kind", "it is bzip2 inside: make it a .zip"),
    whole("rar.zip", lambda: b"Rar!\x1a\x07\x01\x00" + bytes(99), "kind", "it is RAR inside: make it a .zip"),
    # Broken on the way
    whole("cut.zip", lambda: _zip(PICTURES)[:-99], "zip", "not a whole zip archive"),
    whole("cut.tar", lambda: _tar(PICTURES)[:9_999], "tar", "not a whole tar archive"),
    whole("cut.tar.gz", lambda: _tar(PICTURES, "w:gz")[:-99], "gzip", "not a whole tar.gz archive"),
    whole("damaged.tgz", lambda: _tar(PICTURES, "w:gz")[:-8] + bytes(8), "gzip", "not a whole tar.gz archive"),
    whole("two.tar", lambda: _tar(PICTURES[:20]) + _tar(PICTURES[20:]), "tar", "it goes on after its end"),
    whole("encrypted.zip", _encrypted, "encrypted", "it is encrypted, and nobody tells the password: zip it without"),
    whole("bomb.zip", _zip_bomb, "bomb", "split it into several archives"),
    whole("crowded.zip", _crowded_zip, "too-many-members", "over 100,000 files: split it into several archives"),
    whole("bomb.tar.gz", _tar_bomb, "bomb", "split it into several archives"),
    # No picture, or too few of them, as they should be
    whole("no folders.zip", lambda: _zip(_FLAT), "no-rows", "no usable row among 40 (40 no-label)"),
    whole("outside.zip", lambda: _zip(_OUTSIDE), "no-rows", "(40 path)"),
    whole("texts.zip", lambda: _zip((f"cat/{n}.txt", b"hello") for n in range(9)), "no-rows", "(9 not-an-image)"),
    whole("links alone.tar", lambda: _tar([], links=dict.fromkeys(_NAMES, "a.png")), "no-rows", "(40 link)"),
    whole("archives.zip", lambda: _zip([("cat/a.zip", _zip(PICTURES))]), "no-rows", "(1 nested)"),
    whole("cut pictures.zip", lambda: _with(*((f"cat/cut {n}.png", PICTURES[n][1][:60]) for n in range(12))),
          "too-many-rejected", "12 of 52 rows are rejected, over the limit of 20% (12 truncated)"),
    # Metadata that do not fit
    whole("no labels.zip", lambda: _described("file_name\n0.png\n"), "header", "metadata.csv: no column 'label'"),
    whole("no names.zip", lambda: _described("picture,label\n0.png,cat\n"), "header", "no column 'file_name'"),
    whole("empty table.zip", lambda: _described(""), "header", "metadata.csv: the file is empty"),
    whole("latin.zip", lambda: _zip([*_FLAT, ("metadata.csv", "file_name,label\n0.png,süß\n".encode("latin-1"))]),
          "encoding", "metadata.csv: not UTF-8"),
    whole("parquet.zip", lambda: _described("PAR1", "metadata.parquet"), "metadata", "write it as metadata.csv or"),
    whole("both.zip", lambda: _with(("metadata.csv", _table().encode()), ("metadata.jsonl", b"{}")), "metadata",
          "both metadata.csv and metadata.jsonl are in it: keep one of them"),
    whole("old table.zip", lambda: _described(_table(*(f"old{n}.png,cat" for n in range(11)))), "too-many-rejected",
          "11 of 51 rows are rejected, over the limit of 20% (11 no-picture)"),
    whole("half a table.zip", lambda: _described(_table(pictures=20)), "too-many-rejected", "(20 not-described)"),
)  # fmt: skip

_PARTLY_BAD = (
    # Files that cannot be used among pictures that can
    partly("half.zip", lambda: _with(("cat/half.png", PICTURES[1][1][:60])), _good(), truncated=1),
    partly("no content.zip", lambda: _with(("cat/empty.png", b"")), _good(), not_an_image=1),
    partly("text.zip", lambda: _with(("cat/notes.txt", b"hello"), ("README", b"hello")), _good(), not_an_image=1,
           no_label=1),
    partly("other formats.zip", lambda: _with(
        ("cat/1.svg", b"<svg/>"), ("cat/2.pdf", b"%PDF-1.7"), ("cat/3.heic", b"\0\0\0\x18ftypheic")), _good(),
        format=3),
    partly("too many pixels.zip", lambda: _with(("cat/large.png", _of_size(8_000, 8_000))), _good(),
           too_many_pixels=1),
    partly("two long sides.zip", lambda: _with(("cat/long.png", _of_size(70_000, 1)), ("cat/none.png", _of_size(0, 9))),
           _good(), too_many_pixels=1, truncated=1),
    partly("animated.zip", lambda: _with(*((f"cat/1.{kind}", _animated(kind)) for kind in ("GIF", "WEBP", "TIFF"))),
           _good(), animated=3),
    partly("traversal.zip", lambda: _with(("../../cat/1.png", b""), ("cat/../../1.png", b"")), _good(), path=2),
    partly("absolute.zip", lambda: _with(("/etc/cat/1.png", b""), ("C:\\cat\\2.png", b"")), _good(), path=2),
    partly("traversal.tar", lambda: _tar([*PICTURES, ("../cat/1.png", b""), ("/cat/1.png", b"")]), _good(), path=2),
    partly("links.tar", _linked, _good(), link=3),
    partly("nested.zip", lambda: _with(("cat/more.zip", _zip(PICTURES)), ("cat/a.tar.gz", b"")), _good(), nested=2),
    partly("no folder.zip", lambda: _with(("alone.png", _saved(_image(60)))), _good(), no_label=1),
    partly("same name.zip", lambda: _with(("cat/a.png", PICTURES[0][1]), ("cat/a.png", PICTURES[1][1])), _good(),
           twice=2),
    partly("damaged member.zip", _damaged_member, _good(), damaged=1),
    partly("large member.zip", lambda: _with(("cat/large.png", bytes(MAX_MEMBER_BYTES + 1))), _good(), too_large=1),
    partly("long label.zip", lambda: _with((f"{'x' * 257}/1.png", PICTURES[1][1])), _good(), too_long=1),
    partly("blank label.zip", lambda: _with((" /1.png", PICTURES[1][1])), _good(), empty=1),
    partly("damaged table.zip", lambda: _described(_table("alone", "1.png,dog", ",cat", "../1.png,cat")), _good(),
           ragged=1, twice=1, no_picture=1, path=1),
    partly("damaged table of lines.zip", lambda: _described(
        _lines('{"file_name": "1.png", "file_name": "2.png", "label": "cat"}', "3.png,cat", "[4]"), "metadata.jsonl"),
        _good(), key_twice=1, not_json=1, not_an_object=1),
    partly("not there.zip", lambda: _described(_table("gone.png,cat")), _good(), no_picture=1),
    partly("not described.zip", lambda: _zip([
        *_FLAT, ("more.png", _saved(_image(60))), ("metadata.csv", _table().encode())]), _good(), not_described=1),
    partly("no label in the table.zip", lambda: _zip([
        *_FLAT, ("more.png", _saved(_image(60))), ("metadata.csv", _table("more.png,").encode())]), _good(), empty=1),
    partly("names in another encoding.tar", lambda: _tar([*PICTURES, ("caf\udce9/1.png", PICTURES[1][1])]), _good(),
           encoding=1),
    # Odd, and all of it good
    partly("two labels.zip", lambda: _with(("dog/again.png", PICTURES[1][1])), _good((_image(1), "dog"))),
    partly("packed.tar.gz", lambda: _tar(PICTURES, "w:gz"), _good()),
    partly("LOUD.TGZ", lambda: _tar(PICTURES, "w:gz"), _good()),
    partly("deep/données (1).zip", lambda: _zip((f"set/2026/{name}", content) for name, content in PICTURES), _good()),
    partly("backslashes.zip", lambda: _zip((name.replace("/", "\\"), content) for name, content in PICTURES), _good()),
    partly("what systems add.zip", lambda: _with(
        ("__MACOSX/cat/._1.png", b"x"), ("cat/.DS_Store", b"x"), ("cat/Thumbs.db", b"x"), (".git/config", b"x")),
        _good()),
    partly("table.zip", lambda: _described(_table()), _good()),
    partly("table of lines.zip", lambda: _described(_lines(), "metadata.jsonl"), _good()),
    partly("semicolons and capitals.zip", lambda: _described(_table().replace(",", ";"), "Metadata.CSV"), _good()),
    partly("wrong suffixes.zip", lambda: _zip((name.replace(".png", ".jpg"), content) for name, content in PICTURES),
           _good()),
    partly("kinds.zip", lambda: _with(
        ("cat/a.bmp", _saved(_image(60), "BMP")), ("cat/b.tif", _saved(_image(61), "TIFF")),
        ("cat/c.gif", _saved(_PALETTE, "GIF")), ("cat/d.webp", _saved(_image(62), "WEBP", lossless=True)),
        ("cat/e.png", _saved(_GREY))),
        _good(*((image, "cat") for image in (_image(60), _image(61), _PALETTE, _image(62), _GREY)))),
    partly("CMYK.zip", lambda: _with(("cat/a.jpg", _CMYK_JPEG)),
           _good((Image.open(io.BytesIO(_CMYK_JPEG)), "cat"))),
    partly("16 bits.zip", lambda: _with(("cat/a.png", _saved(_SIXTEEN))),
           _good((Image.new("L", (_SIDE, _SIDE), 200), "cat"))),
    partly("transparent.zip", lambda: _with(("cat/a.png", _saved(_CLEAR))),
           _good((Image.new("RGB", (_SIDE, _SIDE), "white"), "cat"))),
    partly("turned.zip", lambda: _with(("cat/a.jpg", _JPEG)), _good((_UPRIGHT, "cat"))),
    partly("one pixel.zip", lambda: _with(("cat/a.png", _saved(Image.new("RGB", (1, 1), "red")))),
           _good((Image.new("RGB", (1, 1), "red"), "cat"))),
)  # fmt: skip

IMAGES = Corpus("image", {"features": ("image",)}, lambda row: str(row["id"]), _WHOLLY_BAD, _PARTLY_BAD)
