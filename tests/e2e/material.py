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
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from ops.digits import as_zip
from stacks.cdk_json import merge

GOOD = ["superb", "warm", "witty", "moving", "brilliant", "lovely", "charming", "gripping"]
BAD = ["dull", "cold", "clumsy", "boring", "awful", "weak", "shallow", "tedious"]
FILLER = ["the", "film", "with", "a", "plot", "and", "its", "actors", "in", "one", "long", "scene", "some", "town"]

# The tasks that read no text; that of tests/tasks/toy does.
NUMBERS = ("tabular-regression",)
TABLES = ("tabular", *NUMBERS)
IMAGES = ("image",)
# What differs from the settings of a text project whose features are the default's.
OVERLAYS: dict[str, dict[str, Any]] = {
    "text": {},
    "tabular": {"task": "tabular", "data": {"features": None}, "training": {}},
    "tabular-regression": {
        "task": "tabular-regression",
        "data": {"features": None},
        "training": {},
        # No two models are off by the same, as those of labels are that are always right.
        "gate": {"min_test_rows": 10, "max_drop": 0.3, "margin": 0.6, "max_total_drop": 0.6},
    },
    "image": {
        "task": "image",
        "data": {"features": ["image"]},
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
# Of regression: how many a review has of each label, on average.
STARS = {"negative": 1.5, "positive": 4.5}


def of_task(common: Mapping[str, Any], task: str) -> dict[str, Any]:
    """The settings of a project of `task`: the `common` ones, which are text's, with its own merged over them.

    A training and a gate of its own come in the place of text's.
    """
    own = OVERLAYS[task]
    return {**merge(common, own), **{section: own[section] for section in ("training", "gate") if section in own}}


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


def truth(task: str, text: str, label: str) -> str | float:
    """What a row of `task` has of a review's label: of regression stars, some more or less by chance."""
    return round(STARS[label] + random.Random(text).uniform(-0.5, 0.5), 3) if task in NUMBERS else label


def said(task: str, answer: Mapping[str, Any]) -> str:
    """The label that an answer to a review comes to: of regression, the one whose stars are nearer."""
    if task not in NUMBERS:
        return str(answer["label"])
    return min(STARS, key=lambda label: abs(STARS[label] - float(answer["score"])))


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
    lines = [json.dumps({**features(task, text), "label": truth(task, text, label)}) for text, label in rows]
    lines[2] = lines[2][:20]
    lines[5] = json.dumps({**dict.fromkeys(features(task, ""), ""), "label": truth(task, "", "positive")})
    lines[7] = json.dumps(features(task, "no label here"))
    return ".jsonl.gz", gzip.compress("\n".join(lines).encode())


def _in_folders(rows: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    return {f"{label}/{number:04}.png": picture(text) for number, (text, label) in enumerate(rows, 1)}


def as_csv(rows: Sequence[tuple[str, str]], task: str = "text") -> bytes:
    """Rows as a CSV file with the columns of `task`, and label."""
    text = io.StringIO()
    records = [{**features(task, review), "label": truth(task, review, label)} for review, label in rows]
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()
