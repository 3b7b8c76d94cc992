"""Golden rows: a few held-out rows with the answers that Evaluate saw, asked again of what is live."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar

from domain.measures import told

if TYPE_CHECKING:
    from domain.settings import Kind

ROWS: Final = 20
# As JSON, in bytes: all golden rows go into one request of at most 4 MB.
MAX_BYTES: Final = 180_000
# Of many large rows the first are chosen from: all of them need not fit in memory. In bytes of JSON.
_LOOKED_AT: Final = 100_000_000
# Scores of int8 kernels differ a little between CPU generations; a wrong model differs by far more.
SCORE_TOLERANCE: Final = 0.05
_ROUNDING: Final = 1e-5
_Row = TypeVar("_Row", bound=tuple[Any, ...])


class Golden(TypedDict):
    """One golden row: an item of a request's `inputs`, and the label and probability to expect.

    Of regression `label` is the name of what is predicted and `score` the number.
    """

    inputs: Any
    label: str
    score: float


def choose(rows: Iterable[tuple[Any, str, str, float]], most: int = ROWS) -> list[Golden]:
    """At most `most` of (inputs, true label, answered label, its probability), taken in turn from each true label.

    Within a label the surest answers come first: a close call may flip between CPUs without anything being wrong.
    Inputs over MAX_BYTES are left out; if all are, the shortest is taken.
    """
    by_label: dict[str, list[Golden]] = defaultdict(list)
    for inputs, truth, answered, score in _that_fit(rows):
        by_label[truth].append({"inputs": inputs, "label": answered, "score": score})
    for found in by_label.values():
        found.sort(key=lambda item: (-item["score"], _words(item["inputs"])))
    chosen: list[Golden] = []
    depth = 0
    while len(chosen) < most and any(depth < len(found) for found in by_label.values()):
        chosen += [found[depth] for _, found in sorted(by_label.items()) if depth < len(found)]
        depth += 1
    return chosen[:most]


def choose_numbers(rows: Iterable[tuple[Any, str, float]], most: int = ROWS) -> list[Golden]:
    """At most `most` of (inputs, what is predicted, answered number), evenly from the least answer to the largest.

    Inputs over MAX_BYTES are left out; if all are, the shortest is taken.
    """
    usable = sorted(_that_fit(rows), key=lambda row: row[2])
    steps = min(most, len(usable))
    chosen = [usable[step * (len(usable) - 1) // max(steps - 1, 1)] for step in range(steps)]
    return [{"inputs": inputs, "label": label, "score": score} for inputs, label, score in chosen]


def read(rows: Iterable[Mapping[str, Any]]) -> list[Golden]:
    """Golden rows as they were kept; an earlier release, which knew texts alone, called the inputs `text`."""
    return [
        {"inputs": row["inputs"] if "inputs" in row else row["text"], "label": row["label"], "score": row["score"]}
        for row in rows
    ]


def disagreement(golden: Sequence[Golden], answers: Sequence[tuple[str, float]], allowed: float) -> str | None:
    """What is wrong with the live answers (label, score), in order; None if nothing is. Scores may be off by `allowed`.

    Rows are named by their place in the run's golden.json, from 1 on: this goes into mails, logs and the ledger, where
    no text of a row belongs.
    """
    if len(golden) != len(answers):
        return f"{len(answers)} answers to {len(golden)} golden rows"
    wrong = [
        f"row {place}: expected {row['label']} {told(row['score'], 3)}, got {label} {told(score, 3)}"
        for place, (row, (label, score)) in enumerate(zip(golden, answers, strict=True), 1)
        if label != row["label"] or abs(score - row["score"]) > allowed
    ]
    return f"{len(wrong)} of {len(golden)} golden rows differ: " + "; ".join(wrong[:3]) if wrong else None


def tolerance(golden: Sequence[Golden], kind: Kind) -> float:
    """By how much a score may be off: a share of what scores may be, which of numbers is as far as these are apart.

    Where they are hardly apart, it is what rounding to 32 bits may come to in a sum.
    """
    if kind == "classification":
        return SCORE_TOLERANCE
    scores = [row["score"] for row in golden]
    return max(SCORE_TOLERANCE * (max(scores) - min(scores)), _ROUNDING * max(map(abs, scores)))


def _that_fit(rows: Iterable[_Row]) -> list[_Row]:
    """The rows whose inputs, the first item, have at most MAX_BYTES; or the shortest. The shortest come first."""
    sized: list[tuple[int, str, _Row]] = []
    looked_at = 0
    for row in rows:
        size = len(json.dumps(row[0]))
        sized.append((size, _words(row[0]), row))
        looked_at += size
        if looked_at > _LOOKED_AT:
            break
    sized.sort(key=lambda item: item[:2])
    return [row for size, _, row in sized if size <= MAX_BYTES] or [row for *_, row in sized[:1]]


def _words(inputs: Any) -> str:
    return inputs if isinstance(inputs, str) else json.dumps(inputs, ensure_ascii=False, sort_keys=True)
