"""What became of the labels since the live model: asked before a training job is paid for.

A label that is new may be a typing error, one that vanished a lost file, and one with few held-out rows cannot be
judged. None of it need be wrong, so nothing is stopped; a person is told while it is still cheap to say no.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.plainly import first_of


@dataclass(frozen=True)
class Counts:
    """Accepted rows of one label, before the fold of duplicates."""

    rows: int
    test_rows: int


@dataclass(frozen=True)
class Changes:
    """Labels by what became of them, each with its rows: `new` ones now, `vanished` ones in the champion's version.

    `rare` have fewer test rows than the gate judges a label by, and did not before, or are new.
    """

    new: dict[str, int]
    vanished: dict[str, int]
    rare: dict[str, int]


def changes(now: Mapping[str, Counts], before: Mapping[str, Counts] | None, least: int) -> Changes:
    """Compare the labels of a dataset with those of the champion's (None: there is none), both by label.

    `least` is the number of test rows below which a label is rare.
    """
    known = before or {}
    return Changes(
        new={} if before is None else {label: now[label].rows for label in sorted(now.keys() - known.keys())},
        vanished={label: known[label].rows for label in sorted(known.keys() - now.keys())},
        rare={
            label: now[label].test_rows
            for label in sorted(now)
            if now[label].test_rows < least and not (label in known and known[label].test_rows < least)
        },
    )


def sentence(found: Changes, least: int) -> str:
    """What a person is told, or "" if nothing changed."""
    told = [
        ("new: {}", found.new),
        ("gone since the live model: {}", found.vanished),
        (f"not judged one by one, with under {least} held-out rows: {{}}", found.rare),
    ]
    parts = [words.format(_listed(labels)) for words, labels in told if labels]
    return f"Labels {'; '.join(parts)}." if parts else ""


def sentence_aside(rows: Mapping[str, int], before: Collection[str], least: int) -> str:
    """What a person is told of labels that are set aside, by label with their rows, and were not `before`; or ""."""
    new = {label: rows[label] for label in sorted(rows.keys() - set(before))}
    return f"Labels set aside until there are {least} different training rows of each: {_listed(new)}." if new else ""


def _listed(labels: Mapping[str, int]) -> str:
    return first_of([f"{label!r} ({rows:,} rows)" for label, rows in labels.items()], ", ")
