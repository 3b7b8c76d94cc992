"""A dropped archive: its members in their order, each read by itself. Nothing is unpacked to where its name says."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, NamedTuple, Protocol, cast

from domain.data.limits import PREPARE_DISK_MB
from domain.data.records import FileRejected, Rejected, RowRejected

SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz")
# The archive lies on the function's disk while its parts grow there: a quarter for it leaves the rest for them.
MAX_ARCHIVE_BYTES: Final = PREPARE_DISK_MB * 1_000_000 // 4
# Pictures do not get smaller when they are packed, but for BMP and TIFF, which get so to a third or so.
MAX_UNPACKED_BYTES: Final = 4 * MAX_ARCHIVE_BYTES
# The largest pictures that cameras make have some 30 MB. A member is held in memory as a whole.
MAX_MEMBER_BYTES: Final = 50_000_000
MAX_MEMBERS: Final = 100_000
# Of what a tar says of one member before it, in bytes: a name and some times have less than one thousand.
MAX_HEADER_BYTES: Final = 64_000
# A path has no more on Linux; a longer one is shown by its beginning.
_MOST_NAME: Final = 4_096
_SHOWN_NAME: Final = 200
_CHUNK: Final = 1 << 20
_BLOCK: Final = tarfile.BLOCKSIZE
# Where the word `ustar` begins in a tar's first block.
_TAR_MAGIC: Final = slice(257, 262)
_SUFFIX_WORDS: Final = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
_ZIP_IT: Final = "put it into a .zip, in a folder that is named after its label"
_PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".svg")
_TABLES: Final = (".csv", ".json", ".jsonl", ".parquet", ".csv.gz", ".json.gz", ".jsonl.gz")
_MAGIC: Final = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
}
# zipfile says of a method of compression that it has not that it is not implemented.
_BROKEN_ZIP: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)
_BROKEN_TAR: Final = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, RecursionError)
# Others ask for a dictionary of as much memory as they like.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
_NAME_IS_UTF8: Final = 0x800
_LINK: Final = 0o120000
_DRIVE: Final = re.compile("[A-Za-z]:")


class Member(NamedTuple):
    """One file in an archive: its place there, from 1 on, and its name, with `/` between its folders.

    `wrong` says why it cannot be read; `inner` is what its archive knows it by.
    """

    place: int
    name: str
    inner: zipfile.ZipInfo | tarfile.TarInfo
    wrong: RowRejected | None = None


class Archive(Protocol):
    """An open archive."""

    def members(self) -> Iterator[Member]:
        """Its files in their order, without folders. Raises FileRejected."""

    def read(self, member: Member) -> bytes:
        """The content of a file that nothing is wrong with. Raises RowRejected, FileRejected."""


@contextmanager
def opened(key: str, body: IO[bytes]) -> Iterator[Archive]:
    """The archive that was dropped as `key`, copied to the disk: a zip's list of members stands at its end.

    Raises FileRejected: `kind`, `too-large`, `zip`, `tar`, `gzip`, `encrypted`, `encoding`.
    """
    name = key.lower()
    if not name.endswith(SUFFIXES):
        raise FileRejected("kind", _unknown_kind(name))
    with tempfile.TemporaryFile() as file:
        copied = 0
        while piece := body.read(_CHUNK):
            copied += len(piece)
            if copied > MAX_ARCHIVE_BYTES:
                most = f"{MAX_ARCHIVE_BYTES:,} that one Lambda function can keep beside what it makes of it"
                raise FileRejected("too-large", f"over {most}, in bytes: split it into several archives")
            file.write(piece)
        file.seek(0)
        kind = "zip" if name.endswith(".zip") else "tar" if name.endswith(".tar") else "gzip"
        _check_kind(kind, file.read(_BLOCK))
        file.seek(0)
        yield _Zip(file) if kind == "zip" else _Tar(file, compressed=kind == "gzip")


def is_archive(name: str) -> bool:
    """Whether a file is an archive, by its name."""
    return name.lower().endswith((*SUFFIXES, ".gz", ".bz2", ".xz", ".7z", ".rar"))


def _unknown_kind(name: str) -> str:
    if name.endswith(_PICTURES):
        return f"a single picture: {_ZIP_IT}"
    if name.endswith(_TABLES):
        return (
            "a table, and pictures are expected: put them into a .zip, in folders that are named after their labels, "
            "or with this table as metadata.csv, whose column file_name names each"
        )
    return f"unknown kind of file: put pictures into a {_SUFFIX_WORDS}, in folders that are named after their labels"


def _check_kind(kind: str, head: bytes) -> None:
    """Raise FileRejected if an archive begins as something else than its name says."""
    if not head:
        raise FileRejected(kind, "the file is empty: make the archive again")
    found = next((what for magic, what in _MAGIC.items() if head.startswith(magic)), None)
    if not found and head[_TAR_MAGIC] == b"ustar":
        found = "tar"
    if found in (kind, None):
        return
    if found in ("JPEG", "PNG"):
        raise FileRejected("kind", f"it is a single picture ({found}): {_ZIP_IT}")
    named = {"zip": ".zip", "tar": ".tar", "gzip": ".tar.gz"}.get(found)
    how = f"let its name end in {named}" if named else f"make it a {_SUFFIX_WORDS}"
    raise FileRejected("kind", f"it is {found} inside: {how}")


class _Bounded:
    """A file that is read only so far, and only so much at once: what the headers of an archive say may be a lie."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        # How many bytes may be read until that is said anew.
        self.left = MAX_UNPACKED_BYTES * 2

    def read(self, size: int = -1) -> bytes:
        self._check(self._file.tell())
        content = self._file.read(size if 0 <= size <= MAX_MEMBER_BYTES else MAX_MEMBER_BYTES + 1)
        self.left -= len(content)
        if len(content) > MAX_MEMBER_BYTES or self.left < 0:
            raise FileRejected("bomb", "a header in it is larger than any archive needs: make the archive again")
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset < 0:
            # Of an OSError nobody knew whether the disk or the archive is broken.
            raise ValueError("a header tells of a place before the archive")
        self._check(offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def _check(self, place: int) -> None:
        # A member of a tar takes a block for its header, two more for a long name, and is filled up to a whole one.
        if place > MAX_UNPACKED_BYTES + MAX_MEMBERS * 4 * _BLOCK:
            raise _too_much()


class _Sum:
    """What the members of an archive come to."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, place: int, size: int) -> None:
        if place > MAX_MEMBERS:
            raise FileRejected("too-many-members", f"over {MAX_MEMBERS:,} files: split it into several archives")
        self._bytes += size
        if self._bytes > MAX_UNPACKED_BYTES:
            raise _too_much()


def _too_much() -> FileRejected:
    return FileRejected("bomb", f"unpacked, it has over {MAX_UNPACKED_BYTES:,} bytes: split it into several archives")


def _wrong(name: str, size: int, *, is_file: bool) -> RowRejected | None:
    """What is wrong with a member by its header alone."""
    rule = reason = ""
    if not is_file:
        rule, reason = "link", "a link or device, and no file: put the file itself into the archive"
    elif name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        rule, reason = "path", "its name leads out of the archive: name it by its folder in it"
    elif size > MAX_MEMBER_BYTES:
        rule, reason = "too-large", f"{size:,} bytes, over the limit of {MAX_MEMBER_BYTES:,}: make it smaller"
    elif len(name) > _MOST_NAME:
        rule, reason = "path", f"its name has over {_MOST_NAME:,} characters: rename it"
    elif not _is_utf8(name):
        rule, reason = "encoding", "its name is not UTF-8: pack it by a program that writes UTF-8, or rename it"
    return RowRejected(rule, reason, name[:_SHOWN_NAME]) if rule else None


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spelled(name: str) -> str:
    """A member's name with `/` between its folders, composed as other systems than Apple's write it."""
    parts = unicodedata.normalize("NFC", name.replace("\\", "/")).split("/")
    return "/".join(part for place, part in enumerate(parts) if (part or not place) and part != ".")


class _Zip:
    """A zip. Its members are independent: one that is damaged leaves the others as they are."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(cast("IO[bytes]", _Bounded(file)))
        except FileRejected:
            raise
        except UnicodeDecodeError as error:
            raise FileRejected(
                "encoding", "it says that its names are UTF-8, and they are not: zip it again"
            ) from error
        except _BROKEN_ZIP as error:
            raise FileRejected("zip", "not a whole zip archive: make it, or copy it, again") from error

    def members(self) -> Iterator[Member]:
        total = _Sum()
        for place, info in enumerate(self._zip.infolist(), 1):
            total.add(place, min(info.file_size, MAX_MEMBER_BYTES))
            if info.flag_bits & _ENCRYPTED:
                raise FileRejected("encrypted", "it is encrypted, and nobody tells the password: zip it without")
            if not info.filename.endswith(("/", "\\")):
                name = _spelled(_zip_name(info))
                is_file = info.external_attr >> 16 & 0o170000 != _LINK
                yield Member(place, name, info, _wrong(name, info.file_size, is_file=is_file))

    def read(self, member: Member) -> bytes:
        info = cast("zipfile.ZipInfo", member.inner)
        if info.compress_type not in _METHODS:
            raise RowRejected("damaged", "it is packed in a way that is not read: zip it by Deflate", member.name)
        try:
            return self._zip.read(info)
        except Rejected:
            raise
        except _BROKEN_ZIP as error:
            raise RowRejected("damaged", "it cannot be unpacked: zip it again", member.name) from error


def _zip_name(info: zipfile.ZipInfo) -> str:
    """A member's name. What is not said to be UTF-8 may be that, too (macOS), and comes decoded as code page 437.

    What it is else, nobody knows: it comes with halves of surrogate pairs, as from a tar.
    """
    is_told = info.filename != info.orig_filename  # by its Unicode Path field, which Python reads from 3.12 on
    if info.flag_bits & _NAME_IS_UTF8 or info.filename.isascii() or is_told:
        return info.filename
    return info.filename.encode("cp437").decode("utf-8", "surrogateescape")


class _Tar:
    """A tar, compressed or not. What follows after a damaged header cannot be read."""

    def __init__(self, file: IO[bytes], *, compressed: bool) -> None:
        self._rule = "gzip" if compressed else "tar"
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file) if compressed else file)
        self._bounded = _Bounded(stream)
        self._file = cast("IO[bytes]", self._bounded)
        self._bounded.left = MAX_HEADER_BYTES
        with self._told():
            self._tar = tarfile.TarFile(fileobj=self._file, encoding="utf-8", errors="surrogateescape")

    def members(self) -> Iterator[Member]:
        total = _Sum()
        with self._told():
            place = 0
            while (info := self._next()) is not None:
                place += 1
                total.add(place, info.size)
                if not info.isdir():
                    name = _spelled(info.name)
                    wrong = _wrong(name, info.size, is_file=info.isreg())
                    yield Member(place, name[:_MOST_NAME], info, wrong)
            self._bounded.left = MAX_UNPACKED_BYTES * 2
            self._check_end()

    def _next(self) -> tarfile.TarInfo | None:
        """The next member, of whose headers no more is kept than is asked for, whatever they hold."""
        self._bounded.left = MAX_HEADER_BYTES
        info = self._tar.next()
        self._tar.members.clear()  # type: ignore[attr-defined]  # typeshed has it not
        if info is not None:
            info.pax_headers = {}
            info.name = info.name[: _MOST_NAME + 1]
        return info

    def read(self, member: Member) -> bytes:
        self._bounded.left = MAX_UNPACKED_BYTES * 2
        with self._told():
            content = self._tar.extractfile(cast("tarfile.TarInfo", member.inner))
            if content is None:
                raise RowRejected("link", "no file: put the file itself into the archive", member.name)
            return content.read()

    def _check_end(self) -> None:
        """Look whether the members end where the archive does: a damaged header ends them, too."""
        self._file.seek(self._tar.offset)
        rest = self._file.read(_CHUNK)
        if len(rest) < _BLOCK:
            raise tarfile.ReadError
        while rest:
            if rest.strip(b"\0"):
                more = "it goes on after its end, as where two are put together, or is damaged: make it again"
                raise FileRejected(self._rule, more)
            rest = self._file.read(_CHUNK)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Rejected:
            raise
        except _BROKEN_TAR as error:
            what = "tar.gz" if self._rule == "gzip" else "tar"
            raise FileRejected(self._rule, f"not a whole {what} archive: make it, or copy it, again") from error
