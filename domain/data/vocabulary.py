"""What became of the labels since the live model: asked before a training job is paid for.

A label that is new may be a typing error, one that vanished a lost file, and one with few held-out rows cannot be
judged. None of it need be wrong, so nothing is stopped; a person is told while it is still cheap to say no.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from domain.data.spelling import alike, is_no_label
from domain.explain import first_of
from domain.printable import brief

if TYPE_CHECKING:
    from domain.settings import Kind


# What rows are counted by where labels are numbers: all by one name.
A_NUMBER: Final = "a number"


def counted_as(label: str, kind: Kind) -> str:
    """What a row with this label is counted by, in a task of this kind: its label, if that is one of some."""
    return label if kind == "classification" else A_NUMBER


@dataclass(frozen=True)
class Counts:
    """Accepted rows of one label, before the fold of duplicates."""

    rows: int
    test_rows: int


@dataclass(frozen=True)
class Changes:
    """Labels by what became of them, each with its rows: `new` ones now, `vanished` ones in the champion's version.

    `rare` have fewer test rows than the gate judges a label by, and did not before, or are new. `alike` differ only in
    case, white space or width, `odd` look as if there were no label; at least one of them is new.
    """

    new: dict[str, int]
    vanished: dict[str, int]
    rare: dict[str, int]
    alike: list[dict[str, int]] = field(default_factory=list)
    odd: dict[str, int] = field(default_factory=dict)


def changes(
    now: Mapping[str, Counts], before: Mapping[str, Counts] | None, least: int, column: str = "label"
) -> Changes:
    """Compare the labels of a dataset with those of the champion's (None: there is none), both by label.

    `least` is the number of test rows below which a label is rare, `column` the header's word for labels.
    """
    known = before or {}
    unknown = now.keys() - known.keys()
    return Changes(
        new={} if before is None else {label: now[label].rows for label in sorted(now.keys() - known.keys())},
        vanished={label: known[label].rows for label in sorted(known.keys() - now.keys())},
        rare={
            label: now[label].test_rows
            for label in sorted(now)
            if now[label].test_rows < least and not (label in known and known[label].test_rows < least)
        },
        alike=[
            {label: now[label].rows for label in group}
            for group in _alike(now)
            if len(group) > 1 and not unknown.isdisjoint(group)
        ],
        odd={label: now[label].rows for label in sorted(unknown) if is_no_label(label, column)},
    )


def _alike(labels: Iterable[str]) -> list[list[str]]:
    groups = defaultdict[str, list[str]](list)
    for label in sorted(labels):
        groups[alike(label)].append(label)
    return list(groups.values())


def sentence(found: Changes, least: int) -> str | None:
    """What a person is told, or None if nothing changed."""
    told = [
        ("new: {}", found.new),
        ("gone since the live model: {}", found.vanished),
        (f"not judged one by one, with under {least} held-out rows: {{}}", found.rare),
    ]
    parts = [words.format(_listed(labels)) for words, labels in told if labels]
    said = [f"Labels {'; '.join(parts)}."] if parts else []
    if found.alike:
        groups = first_of([_listed(group) for group in found.alike], "; ")
        said.append(
            f"Labels that differ only in case, white space or width are different labels: {groups}. If they are meant "
            "as one: spell it alike everywhere, or allow that one alone in data.labels, with a new data.epoch."
        )
    if found.odd:
        said.append(
            f"Labels that look as if there were none: {_listed(found.odd)}. If they are not meant: remove these rows, "
            "or list the labels that are in data.labels, with a new data.epoch."
        )
    return " ".join(said) or None


def sentence_aside(rows: Mapping[str, int], before: Collection[str], least: int) -> str | None:
    """What a person is told of labels that are set aside, by label with their rows, and were not `before`; or None."""
    new = {label: rows[label] for label in sorted(rows.keys() - set(before))}
    return f"Labels set aside until there are {least} different training rows of each: {_listed(new)}." if new else None


def _listed(labels: Mapping[str, int]) -> str:
    return first_of([f"{brief(label)!r} ({rows:,} rows)" for label, rows in labels.items()], ", ")
