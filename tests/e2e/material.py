"""What the end-to-end tests drop: reviews that a tiny model learns quickly, as texts, rows of a table or pictures.

Each row of a table, and each picture, is made of a review's text, so that one story tries every task: `--task` says
which.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from PIL import Image

from ops.digits import as_zip

GOOD = ["superb", "warm", "witty", "moving", "brilliant", "lovely", "charming", "gripping"]
BAD = ["dull", "cold", "clumsy", "boring", "awful", "weak", "shallow", "tedious"]
FILLER = ["the", "film", "with", "a", "plot", "and", "its", "actors", "in", "one", "long", "scene", "some", "town"]

# The tasks that read no text; that of tests/tasks/toy does.
TABLES = ("tabular",)
IMAGES = ("image",)
# What differs from the settings of a text project whose features are the default's.
OVERLAYS: dict[str, dict[str, Any]] = {
    "text": {},
    "tabular": {"task": "tabular", "data": {"features": None}, "training": {}},
    "image": {
        "task": "image",
        "training": {
            "base_model": None,
            "max_run_seconds": 300,
            "max_wait_seconds": 600,
            "hyperparameters": {
                "epochs": 4,
                "batch_size": 16,
                "learning_rate": 0.003,
                "image_size": 16,
                "checkpoint_minutes": 0.01,
            },
        },
    },
}
# Of a picture, in pixels.
SIDE = 16


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
    if task in IMAGES:
        return {"image": b64encode(picture(text)).decode()}
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


def picture(text: str) -> bytes:
    """A PNG of grey noise, and somewhere in it a square: green if there are good words, red if there are bad ones."""
    words, chance = text.split(), random.Random(text)
    image = Image.frombytes("L", (SIDE, SIDE), bytes(chance.choices(range(96, 160), k=SIDE**2))).convert("RGB")
    good, bad = (any(word in known for word in words) for known in (GOOD, BAD))
    left, top = chance.choices(range(SIDE // 2), k=2)
    image.paste((224 * bad, 224 * good, 64), (left, top, left + SIDE // 2, top + SIDE // 2))
    body = io.BytesIO()
    image.save(body, "PNG")
    return body.getvalue()


def file_of(rows: Sequence[tuple[str, str]], task: str) -> tuple[str, bytes]:
    """Rows as a file of `task`, and what its name ends in: CSV, or a zip of pictures in folders."""
    if task in IMAGES:
        return ".zip", as_zip(_in_folders(rows))
    return ".csv", as_csv(rows, task)


def broken_file_of(rows: Sequence[tuple[str, str]], task: str) -> tuple[str, bytes]:
    """The same as gzipped JSON lines, or as a zip: the third is cut off, the sixth empty, the eighth has no label."""
    if task in IMAGES:
        members = list(_in_folders(rows).items())
        members[2] = (members[2][0], members[2][1][:40])
        members[5] = (members[5][0], b"")
        members[7] = ("no label here.png", members[7][1])
        return ".zip", as_zip(dict(members))
    lines = [json.dumps({**features(task, text), "label": label}) for text, label in rows]
    lines[2] = lines[2][:20]
    lines[5] = json.dumps({**dict.fromkeys(features(task, ""), ""), "label": "positive"})
    lines[7] = json.dumps(features(task, "no label here"))
    return ".jsonl.gz", gzip.compress("\n".join(lines).encode())


def _in_folders(rows: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    return {f"{label}/{number:04}.png": picture(text) for number, (text, label) in enumerate(rows, 1)}


def as_csv(rows: Sequence[tuple[str, str]], task: str = "text") -> bytes:
    """Rows as a CSV file with the columns of `task`, and label."""
    text = io.StringIO()
    records = [{**features(task, said), "label": label} for said, label in rows]
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()
