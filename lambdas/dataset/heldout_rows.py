"""Rows of parts: the held-out ones that both models are judged on, and those of one source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

import tasks
from domain import layout
from domain.data.dataset import Source, Version
from domain.data.records import Row
from lambdas.dataset.shelf import Shelf
from lambdas.environment import Environment
from lambdas.storage import read_lines


def test_rows(env: Environment, version: Version) -> Iterator[Row]:
    """Test rows of a version in fold order: of rows with the same id the last one counts, if its label does."""
    for source in version.sources:
        yield from part_rows(env, version.epoch, "test", source)


def part_rows(env: Environment, epoch: int, split: str, source: Source) -> Iterator[Row]:
    """Rows of one source that fell into one split; of rows with the same id the last one counts."""
    return (Row(**line) for line in read_lines(env, layout.part(epoch, split, source.source)))


def counting(rows: Mapping[str, Row], version: Version) -> dict[str, Row]:
    """Rows by id, once folded, without those of labels that the version sets aside."""
    return {identity: row for identity, row in rows.items() if row.label not in version.set_aside}


def drawn(
    env: Environment, rows: Callable[[], Iterable[Row]], most: int, shelf: Shelf, least: int = 0
) -> dict[str, Row]:
    """A `sample` of what `rows` gives, which is asked twice where rows are images: these lie on `shelf`, not in memory.

    Of images it has no more than fit in half of the room there, again those with the lowest ids; of under `least` rows
    it has the ids and labels alone.
    """
    columns = tasks.row(env.settings.task).columns(env.settings.data)
    if not any(column.type == "image" for column in columns or ()):
        return sample(rows(), most)
    sizes: dict[str, int] = {}

    def without_pictures() -> Iterator[Row]:
        for row in rows():
            sizes[row.id] = sum(map(len, row.features.values()))
            yield row._replace(features={})

    found = sample(without_pictures(), most)
    on_disk, room = accumulate(sizes[identity] for identity in found), shelf.room // 2
    kept = {row.id: row for row, so_far in zip(found.values(), on_disk, strict=True) if so_far <= room}
    missing = set(kept) if len(kept) >= least else set()
    for row in rows():
        if row.id in missing:
            # The same picture, whichever of several rows with this id has the last word on its label.
            kept[row.id] = kept[row.id]._replace(features=shelf.put(row.features))
            missing.discard(row.id)
    return kept


def sample(rows: Iterable[Row], most: int) -> dict[str, Row]:
    """By id, at most `most` rows: those with the lowest ids, so that the sample stays the same while data grows.

    It never keeps more than twice as many: a part may have millions of rows, and they do not fit in memory.
    """
    kept: dict[str, Row] = {}
    for row in rows:
        kept[row.id] = row
        if len(kept) > 2 * most:
            kept = _lowest(kept, most)
    return _lowest(kept, most)


def _lowest(rows: dict[str, Row], most: int) -> dict[str, Row]:
    return {identity: rows[identity] for identity in sorted(rows)[:most]}
