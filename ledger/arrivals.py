"""Which content lies under which landing key, and since when: the same bytes again are nothing new.

S3's ETag tells contents apart, but not always alike: the same bytes have another one if they come in several parts, or
encrypted with KMS. So the SHA-256, taken while a file is read, says what a content is. The first object that brought
it under a key stands for it from then on, with its time: dropped again, it is neither another dataset nor a later word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from domain import layout
from domain.data.dataset import Source
from ledger.items import Items
from ledger.keys import ARRIVAL, CONTENT


@dataclass(frozen=True)
class Arrival:
    """What is known of the object under a key, if anything: its ETag and its time; the source that its content is known
    as, once it was read; else how often a function began to read it and did not come to an end."""

    etag: str | None = None
    last_modified: str | None = None
    tries: int = 0
    first: Source | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Arrival:
        """The arrival that a ledger's item is."""
        first = Source(**item["first"]) if item["first"] else None
        return cls(item["etag"], item["last_modified"], int(item["tries"]), first)

    def known_as(self, landed: Source) -> Source:
        """The source that stands for the content of the object `landed`: itself, as long as no other is known to."""
        return self.first if self.first and self.is_settled(landed) else landed

    def is_settled(self, landed: Source) -> bool:
        """Whether it is known what stands for the content of the object `landed`."""
        return self.first is not None and self.etag == landed.etag

    def tries_at(self, landed: Source) -> int:
        """How often reading exactly this object was begun and not ended. Put there anew, it is another one."""
        return self.tries if (self.etag, self.last_modified) == (landed.etag, landed.last_modified) else 0


def arrived(landed: Iterable[Source], arrivals: Mapping[str, Arrival]) -> list[Source]:
    """Landed objects as the sources that stand for their contents; `arrivals` is keyed by landing key."""
    return [arrivals[one.key].known_as(one) if one.key in arrivals else one for one in landed]


class Arrivals:
    """The arrivals in the ledger: one item for a key, and one for each content that it ever had."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def all(self) -> dict[str, Arrival]:
        """By landing key."""
        return {item["key"]: Arrival.of(item) for item in self._items.all(ARRIVAL)}

    def begin(self, landed: Source, tries: int) -> None:
        """Note before it is read that reading an object is begun for the `tries`-th time."""
        self._put(landed, tries, None)

    def first(self, landed: Source, sha256: str) -> Source:
        """The source that a landed object's content is known as: the first that brought it under its key."""
        item = {"pk": CONTENT, "sk": layout.digest([landed.key, sha256], 32)}
        if self._items.put({**item, "first": asdict(landed)}, "attribute_not_exists(pk)"):
            return landed
        return Source(**(self._items.get(item) or {})["first"])

    def settle(self, landed: Source, first: Source) -> None:
        """Note that an object was read, and what its content is known as."""
        self._put(landed, 0, first)

    def forget(self, key: str) -> None:
        """Forget what lies under a key, so that it is read once more; not which contents it ever had."""
        self._items.delete(_key(key))

    def _put(self, landed: Source, tries: int, first: Source | None) -> None:
        item = {"key": landed.key, "etag": landed.etag, "last_modified": landed.last_modified, "tries": tries}
        self._items.write({**_key(landed.key), **item, "first": asdict(first) if first else None})


def _key(key: str) -> dict[str, str]:
    # DynamoDB's sort keys end at 1,024 bytes, as S3's keys do, and a digest is shorter.
    return {"pk": ARRIVAL, "sk": layout.digest(key, 32)}
