"""What the end-to-end tests drop: reviews that a tiny model learns quickly, as texts or as rows of a table.

Each row of a table is made of a review's text, so that one story tries every task: `--task` says which.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from typing import Any

GOOD = ["superb", "warm", "witty", "moving", "brilliant", "lovely", "charming", "gripping"]
BAD = ["dull", "cold", "clumsy", "boring", "awful", "weak", "shallow", "tedious"]
FILLER = ["the", "film", "with", "a", "plot", "and", "its", "actors", "in", "one", "long", "scene", "some", "town"]

# The tasks that read no text; that of tests/tasks/toy does.
TABLES = ("tabular",)
# What differs from the settings of a text project whose features are the default's.
OVERLAYS: dict[str, dict[str, Any]] = {
    "text": {},
    "tabular": {"task": "tabular", "data": {"features": None}, "training": {}},
}


def reviews(rows: int, seed: int, *, flipped: bool = False) -> list[tuple[str, str]]:
    """`rows` (text, label) pairs that a tiny model learns quickly; `flipped` gives each the other's label."""
    chance = random.Random(seed)
    made = []
    for number in range(rows):
        good = number % 2 == 0
        words = chance.choices(GOOD if good else BAD, k=3) + chance.choices(FILLER, k=4)
        chance.shuffle(words)
        label = "positive" if good != flipped else "negative"
        made.append((" ".join([*words, f"part {chance.randrange(10**6)}"]), label))
    return made


def features(task: str, text: str) -> dict[str, Any]:
    """What a row of `task` has of a review, but for its label."""
    if task not in TABLES:
        return {"text": text}
    words = text.split()
    kind = next((word for word in words if word in FILLER), None)
    part = next((int(word) for word in words if word.isdigit()), None)
    return {
        "good words": sum(word in GOOD for word in words),
        "bad words": sum(word in BAD for word in words),
        "filler": kind,
        "part": part,
    }


def as_csv(rows: Sequence[tuple[str, str]], task: str = "text") -> bytes:
    """Rows as a CSV file with the columns of `task`, and label."""
    text = io.StringIO()
    records = [{**features(task, said), "label": label} for said, label in rows]
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()
