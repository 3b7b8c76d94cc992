"""Landing as the domain sees it: objects that come, are overwritten and go, and the parts that each content becomes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from domain import layout
from domain.data.dataset import Source, Version, current
from domain.data.records import Column, Contract, Row, parse_row

GROUPED = Contract((Column("text", 1000),), "label", "author", test_percent=25, validation_percent=25)
PLAIN = Contract((Column("text", 1000),), "label", None, test_percent=25, validation_percent=25)

# (text, label, author): few of each, so that rows come twice, with other labels, by other authors and in other files.
Triple = tuple[str, str, str]
texts = st.integers(0, 40).map(lambda number: f"text {number}") | st.sampled_from(
    ["e\u0301 a", "\u00e9  a", " text\t7"]
)
triples = st.tuples(texts, st.sampled_from("ab"), st.integers(0, 9).map(lambda number: f"author {number}"))
files = st.lists(triples, max_size=12).map(tuple)
# A name and what is dropped under it; None deletes it.
changes = st.tuples(st.sampled_from(["a.csv", "b.csv", "c.jsonl", "d.json"]), files | st.none())


@dataclass
class Landing:
    """Each change takes a minute. `parts` keeps what was derived, of deleted files as well, as the bucket does."""

    contract: Contract
    minute: int = 0
    objects: dict[str, Source] = field(default_factory=dict)
    parts: dict[str, list[tuple[Row, str]]] = field(default_factory=dict)

    def change(self, name: str, rows: tuple[Triple, ...] | None) -> None:
        """Drop a file, overwrite it, or delete it (None)."""
        self.minute += 1
        key = f"{layout.LANDING}{name}"
        self.objects.pop(key, None)
        if rows is not None:
            self.put(Source.of(key, layout.digest(rows), f"2026-01-01T00:{self.minute:02}:00+00:00"), rows)

    def put(self, source: Source, rows: Iterable[Triple]) -> None:
        """An object and its parts, derived once."""
        self.objects[source.key] = source
        if source.source not in self.parts:
            raw = [{"text": text, "label": label, "author": author} for text, label, author in rows]
            self.parts[source.source] = [parse_row(row, self.contract) for row in raw]

    def version(self) -> Version:
        """The dataset as it is now."""
        sources = current(self.objects.values(), {})
        rows = {one.source: {split: len(self.rows(one, split)) for split in layout.SPLITS} for one in sources}
        return Version.of(1, sources, rows, {row.label for one in sources for row, _ in self.parts[one.source]})

    def rows(self, source: Source, split: str) -> list[Row]:
        """One part."""
        return [row for row, its in self.parts[source.source] if its == split]

    def lay_out(self, channels: dict[str, Path], version: Version) -> None:
        """The files that SageMaker would put into the channels `train`, `validation` and `dataset`."""
        ids = channels["dataset"] / "parts" / "ids"
        manifest = channels["dataset"] / "versions" / version.dataset / "manifest.json"
        for folder in (channels["train"], channels["validation"], ids, manifest.parent):
            folder.mkdir(parents=True)
        manifest.write_text(json.dumps(version.to_json()), encoding="utf-8")
        for source in version.sources:
            for split in ("train", "validation"):
                lines = "".join(row.to_json() + "\n" for row in self.rows(source, split))
                (channels[split] / f"{source.source}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
            lines = "".join(row.id + "\n" for row in self.rows(source, "test"))
            (ids / f"{source.source}.txt.gz").write_bytes(gzip.compress(lines.encode()))
