"""The held-out rows that both models are judged on."""

from __future__ import annotations

from domain import layout
from domain.dataset import Version
from domain.records import Row
from lambdas.environment import Environment
from lambdas.storage import read_lines, read_text_lines


def test_rows(env: Environment, version: Version) -> dict[str, Row]:
    """Test rows of a version by id, folded: of rows with the same id the last source's counts."""
    rows = {}
    for source in version.sources:
        for value in read_lines(env, layout.part(version.epoch, "test", source.source)):
            rows[value["id"]] = Row(value["id"], value["features"], value["label"], value.get("group"))
    return rows


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
