"""Rows of parts: the held-out ones that both models are judged on, and those of one source."""

from __future__ import annotations

from domain import layout
from domain.dataset import Source, Version
from domain.records import Row
from lambdas.environment import Environment
from lambdas.storage import read_lines, read_text_lines


def test_rows(env: Environment, version: Version) -> dict[str, Row]:
    """Test rows of a version by id, folded: of rows with the same id the last source's counts."""
    rows = {}
    for source in version.sources:
        rows.update(part_rows(env, version.epoch, "test", source))
    return rows


def part_rows(env: Environment, epoch: int, split: str, source: Source) -> dict[str, Row]:
    """Rows of one source that fell into one split, by id; of rows with the same id the last counts."""
    lines = read_lines(env, layout.part(epoch, split, source.source))
    return {line["id"]: Row(**line) for line in lines}


def has_test_rows(env: Environment, version: Version, least: int) -> bool:
    """Whether a version has at least `least` different test rows; reads no further than it must."""
    ids: set[str] = set()
    for source in version.sources:
        if len(ids) >= least:
            break
        ids.update(read_text_lines(env, layout.test_ids(version.epoch, source.source)))
    return len(ids) >= least


def sample(rows: dict[str, Row], most: int) -> dict[str, Row]:
    """At most `most` rows: those with the lowest ids, so that the sample stays the same while data grows."""
    return {identity: rows[identity] for identity in sorted(rows)[:most]}
