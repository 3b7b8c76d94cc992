"""A dropped archive of pictures as raw rows (`tasks/contract.py`): by its folders, or by the metadata in it.

The conventions are those of HuggingFace's ImageFolder: a picture's label is the name of the folder that it lies in,
unless there is a `metadata.csv` or `metadata.jsonl`. Its column `file_name` names a picture, relative to the folder of
that file; its other columns are the row's.
"""

from __future__ import annotations

import base64
import io
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import PIL

from domain.data.records import Content, FileRejected, Rejected, RowRejected
from tasks.image.archive import MAX_ARCHIVE_BYTES, MAX_MEMBERS, Archive, Member, is_archive, opened
from tasks.image.picture import PictureRefused, canonical, size

if TYPE_CHECKING:
    from domain.data.settings import DataSettings
    from tasks.contract import ReadTable

# Another decoder may make other pixels of the same JPEG, and so another row.
FROZEN: Final = {"decoder": f"Pillow {PIL.__version__}"}
# What is kept of the pictures lies on the function's disk beside the archive.
MAX_KEPT_BYTES: Final = MAX_ARCHIVE_BYTES
# All together: one CPU of 2 GHz decodes 15 to 40 million a second, and Prepare has 900 seconds.
MAX_PIXELS: Final = 6_000_000_000
# What metadata may say of all pictures together, in characters: it is in memory until they are read.
MAX_TOLD: Final = 100_000_000
_METADATA: Final = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_FILE_NAME: Final = "file_name"
# What macOS and Windows put beside pictures unasked.
_JUNK_FOLDERS: Final = ("__macosx",)
_JUNK_FILES: Final = ("thumbs.db", "desktop.ini")

RawRow = tuple[int, Mapping[str, object] | Rejected]


def rows(key: str, body: IO[bytes], data: DataSettings, read_table: ReadTable) -> Iterator[RawRow]:
    """(place in the archive, raw row) for each picture in the archive `key`, in its order.

    A picture, or another file, that cannot be used comes as RowRejected by its name: by the rules of
    `tasks.image.picture.canonical`, and `no-label`, `not-described`, `twice`, `nested`, `link`, `path`, `too-large`,
    `encoding`, `damaged`; a row of metadata without a picture as `no-picture`. Raises FileRejected: `kind`, `zip`,
    `tar`, `gzip`, `encrypted`, `encoding`, `bomb`, `too-many-members`, `too-large`, `metadata`, `no-rows`, and what
    `read_table` raises.
    """
    with opened(key, body) as archive:
        yield from _Reader(archive, data, read_table).rows()


class _Described(NamedTuple):
    """What metadata say of a picture: where they stand in the archive, and their columns."""

    place: int
    columns: Mapping[str, object]


class _Reader:
    """One archive, read once."""

    def __init__(self, archive: Archive, data: DataSettings, read_table: ReadTable) -> None:
        self._archive, self._data, self._read_table = archive, data, read_table
        (self._image,) = data.features or ()
        self._described: dict[str, _Described] = {}
        self._seen: set[str] = set()
        self._twice: set[str] = set()
        self._kept = self._pixels = self._told = 0

    def rows(self) -> Iterator[RawRow]:
        """Those of the metadata that are broken, those of the pictures, and then what has no picture."""
        members = [member for member in self._archive.members() if not _is_junk(member.name)]
        metadata = [member for member in members if posixpath.basename(member.name).lower() in _METADATA]
        self._check(members, metadata)
        for member in metadata:
            yield from self._read_metadata(member)
        places = {member.place for member in metadata}
        self._twice = {name for name, count in Counter(member.name for member in members).items() if count > 1}
        for member in members:
            if member.place not in places:
                yield member.place, self._row(member, by_metadata=bool(metadata))
        for name, described in self._described.items():
            if name not in self._seen:
                reason = "the metadata name this picture, and it is not in the archive: add it or remove its row"
                yield described.place, RowRejected("no-picture", reason, name)

    def _check(self, members: list[Member], metadata: list[Member]) -> None:
        if not members:
            raise FileRejected(
                "no-rows", "no pictures: the archive is empty, or holds empty folders alone: put pictures into it"
            )
        kinds = {posixpath.splitext(member.name)[1].lower() for member in metadata}
        if ".parquet" in kinds:
            raise FileRejected("metadata", "metadata.parquet is not read: write it as metadata.csv or metadata.jsonl")
        if len(kinds) > 1:
            raise FileRejected("metadata", "both metadata.csv and metadata.jsonl are in it: keep one of them")
        if not metadata and self._data.group:
            reason = (
                f"the column {self._data.group!r} keeps rows together, and only a metadata.csv can give it: add one"
            )
            raise FileRejected("metadata", reason)

    def _read_metadata(self, member: Member) -> Iterator[RawRow]:
        """Take in what a file of metadata says. What is wrong with its rows comes as it is found."""
        if member.wrong:
            # Without its name, which is whoever's words: reasons are mailed.
            raise FileRejected("metadata", f"its metadata: {member.wrong}", member.wrong.value)
        folder, kind = posixpath.split(member.name)
        asked = [name for name in (self._data.label, self._data.group, self._data.slice) if name]
        columns = list(dict.fromkeys([_FILE_NAME, *asked]))
        try:
            for line, row in self._read_table(kind, io.BytesIO(self._content(member)), columns):
                if isinstance(row, Mapping):
                    row = self._describe(folder, _Described(member.place, row), columns)
                if isinstance(row, RowRejected):
                    row = RowRejected(row.rule, f"{kind}, row {line}: {row}", row.value, row.rows)
                if row is not None:
                    yield member.place, row
        except FileRejected as error:
            raise FileRejected(error.rule, f"{kind}: {error}", error.value) from error

    def _content(self, member: Member) -> bytes:
        try:
            return self._archive.read(member)
        except RowRejected as error:
            raise FileRejected("metadata", str(error)) from error

    def _describe(self, folder: str, described: _Described, columns: list[str]) -> RowRejected | None:
        """Keep what a row of metadata says of a picture, or say why not."""
        named = described.columns.get(_FILE_NAME)
        if not isinstance(named, str) or not named.strip():
            return RowRejected("no-picture", f"no {_FILE_NAME}: name the picture by its path", named)
        name = unicodedata.normalize(
            "NFC", posixpath.normpath(posixpath.join(folder, named.strip().replace("\\", "/")))
        )
        if name.startswith(("/", "../")) or "://" in named:
            return RowRejected("path", f"its {_FILE_NAME} leads out of the archive: name it by its path in it", named)
        if name in self._described:
            return RowRejected("twice", "the metadata name this picture twice: keep one row", named)
        if len(self._described) >= MAX_MEMBERS:
            raise FileRejected("too-large", f"over {MAX_MEMBERS:,} rows: split the archive into several")
        self._told += sum(len(str(value)) for value in described.columns.values())
        if self._told > MAX_TOLD:
            raise FileRejected("too-large", f"over {MAX_TOLD:,} characters: split the archive into several")
        known = {column: described.columns[column] for column in columns[1:] if column in described.columns}
        self._described[name] = _Described(described.place, known)
        return None

    def _row(self, member: Member, *, by_metadata: bool) -> Mapping[str, object] | RowRejected:
        """The raw row of a picture."""
        name = member.name
        folder = posixpath.basename(posixpath.dirname(name))
        self._seen.add(name)
        if member.wrong:
            return member.wrong
        if name in self._twice:
            # Which one is meant, nobody can say: programs that unpack let the last one win.
            return RowRejected("twice", "several files of this name are in the archive: keep one", name)
        if is_archive(name):
            return RowRejected("nested", "an archive in the archive: unpack it, or drop it by itself", name)
        if by_metadata and name not in self._described:
            return RowRejected("not-described", "the metadata have no row for it: add one or remove the file", name)
        if not by_metadata and not folder:
            return RowRejected("no-label", "it lies in no folder: put it into one that is named after its label", name)
        try:
            content = self._picture(name, self._archive.read(member))
        except PictureRefused as error:
            return RowRejected(error.rule, str(error), name)
        except RowRejected as error:
            return error
        columns = self._described[name].columns if by_metadata else {self._data.label: folder}
        return {self._image: content, **columns}

    def _picture(self, name: str, encoded: bytes) -> Content:
        self._pixels += size(encoded)
        if self._pixels > MAX_PIXELS:
            over = f"its pictures have over {MAX_PIXELS:,} pixels together, more than one Lambda function can decode"
            raise FileRejected("too-large", f"{over}: split it into several archives, or make them smaller")
        picture = canonical(encoded)
        self._kept += len(picture.content)
        if self._kept > MAX_KEPT_BYTES:
            over = f"of its pictures, {MAX_KEPT_BYTES:,} bytes would be kept and more"
            raise FileRejected("too-large", f"{over}: split it into several archives")
        return Content(picture.sha256, base64.b64encode(picture.content).decode(), name)


def _is_junk(name: str) -> bool:
    """Whether nobody put it there on purpose: hidden files, and what systems add."""
    *folders, file = name.lower().split("/")
    hidden = any(part.startswith(".") and part != ".." for part in (*folders, file))
    return hidden or file in _JUNK_FILES or any(folder in _JUNK_FOLDERS for folder in folders)
