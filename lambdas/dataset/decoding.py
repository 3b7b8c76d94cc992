"""A dropped file's bytes as one stream of UTF-8: unpacked, transcoded, and never more of them than is safe to read."""

from __future__ import annotations

import codecs
import gzip
import io
from typing import IO, Any, Final, cast

from domain.data.limits import MAX_FILE_BYTES, over_the_limit
from domain.data.records import FileRejected

# Text packs to a third or a tenth of its size, and a log that repeats itself to a fiftieth. Below the floor it does
# not matter: so much is read in seconds.
_BOMB_RATIO: Final = 100
_BOMB_FLOOR: Final = 100_000_000
_CHUNK: Final = 1 << 16
IN_EXCEL: Final = 'in Excel with File > Save As > "CSV UTF-8 (Comma delimited) (*.csv)"'
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
# Where a tar's first block says what it is.
_TAR_MAGIC: Final = slice(257, 262)
_PICTURE: Final = (
    "a picture, and a table is expected: drop CSV or JSON lines; pictures want a project of the task image"
)
_OTHER_FORMATS: Final = {
    b"\x1f\x8b": "gzip inside: compress it once, and let its name end in .gz",
    b"PK\x03\x04": f"a zip archive or an Excel workbook: save the sheet as CSV, {IN_EXCEL}, or unpack it",
    b"\xd0\xcf\x11\xe0": f"an old Excel workbook: save the sheet as CSV, {IN_EXCEL}",
    b"PAR1": "a Parquet file: write it as CSV or JSON lines",
    b"%PDF": "a PDF document: write it as CSV or JSON lines",
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
}


def utf8(body: IO[bytes], *, compressed: bool) -> io.BufferedReader[Any]:
    """The text of a file as UTF-8 without a byte order mark. `body` is read as it is asked for.

    Raises FileRejected: `kind` for another format under this name, `encoding` for UTF-32 or UTF-16 without a mark. The
    stream raises it for `bomb`, more than 100 times its compressed size and over 100 MB, for `too-large`, and for
    `encoding`.
    """
    raw = _Unpacked(body) if compressed else cast(io.RawIOBase, body)
    reader: io.BufferedReader[Any] = io.BufferedReader(raw, _CHUNK)
    head = reader.peek(_TAR_MAGIC.stop)
    if head[_TAR_MAGIC] == b"ustar":
        # Else the first file's header and what a tar says of it would be one line, which may well name the columns.
        raise FileRejected("kind", "it is a tar archive: unpack it, and drop each table by itself")
    head = head[:4]
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise FileRejected("kind", f"it is {what}")
    if head in _UTF32:
        raise FileRejected("encoding", "UTF-32 is not read: save the file as UTF-8")
    if head.startswith(_UTF16):
        return io.BufferedReader(_Transcoded(reader), _CHUNK)
    if len(head) == 4 and (not any(head[0::2]) or not any(head[1::2])):
        raise FileRejected("encoding", "it looks like UTF-16 without a byte order mark: save the file as UTF-8")
    if head.startswith(codecs.BOM_UTF8):  # spreadsheets write one
        reader.read(len(codecs.BOM_UTF8))
    return reader


class _Unpacked(io.RawIOBase):
    """A gzipped stream unpacked, up to what no honest file unpacks to."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._stream = gzip.GzipFile(fileobj=packed)
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self._stream.readinto(buffer)
        self._given += size
        if self._given > MAX_FILE_BYTES:
            raise FileRejected("too-large", f"unpacked, {over_the_limit(self._given, MAX_FILE_BYTES, 'bytes')}")
        if self._given > _BOMB_FLOOR and self._given > _BOMB_RATIO * self._packed.tell():
            raise FileRejected(
                "bomb",
                f"it unpacks to over {_BOMB_RATIO} times its size and over {_BOMB_FLOOR // 1_000_000} MB: "
                "drop it uncompressed if it is meant to",
            )
        return size


class _Transcoded(io.RawIOBase):
    """A UTF-16 stream, with its byte order mark, as UTF-8."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = b"-"
        while not self._ready and piece:
            piece = self._stream.read(_CHUNK)
            try:
                text = self._decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                broken = f"not UTF-16, as its first two bytes say ({error.reason}): save the file as UTF-8"
                raise FileRejected("encoding", broken) from error
            self._ready = memoryview(text.encode())
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size
