"""Features of rows that lie on this function's disk until they are read: pictures need not all fit in memory."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from typing import Final

# Of the 4 GB that the functions have on disk, where a part and a model lie as well.
MOST_BYTES: Final = 2_000_000_000


class Shelf:
    """A file without a name, which goes with the last of the rows that are on it. One thread puts rows there.

    `room` is how many bytes it has yet.
    """

    def __init__(self, room: int = MOST_BYTES) -> None:
        self._file, path = tempfile.mkstemp()
        os.unlink(path)
        weakref.finalize(self, os.close, self._file)
        self._end, self.room = 0, room

    def put(self, features: Mapping[str, str]) -> Mapping[str, str]:
        """The same features by column, read from disk each time that one is asked for, by any thread."""
        content = json.dumps(dict(features)).encode()
        place, self._end = self._end, self._end + len(content)
        self.room -= len(content)
        with os.fdopen(self._file, "wb", closefd=False) as file:
            file.write(content)
        return _OnShelf(self, place, len(content))

    def read(self, place: int, length: int) -> dict[str, str]:
        """What was put at this place."""
        found: dict[str, str] = json.loads(os.pread(self._file, length, place))
        return found


class _OnShelf(Mapping[str, str]):
    def __init__(self, shelf: Shelf, place: int, length: int) -> None:
        self._shelf, self._place, self._length = shelf, place, length

    def __getitem__(self, name: str) -> str:
        return self._shelf.read(self._place, self._length)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shelf.read(self._place, self._length))

    def __len__(self) -> int:
        return len(self._shelf.read(self._place, self._length))
