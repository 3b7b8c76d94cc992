"""Small pictures of three shapes, and training jobs on them."""

from __future__ import annotations

import base64
import io
import random
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tasks.image.picture import canonical
from tests.training.job import Job, Rows, lay_out
from training.train import main

LABELS = ("bar", "disc", "pole")
TUNING: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 8,
    "learning_rate": 3e-3,
    "image_size": 32,
    "augmentation": "shift",
    "seed": 7,
    "warmup_ratio": 0.1,
    "weight_decay": 0.01,
    "patience": 5,
    # So short that each step is followed by a checkpoint.
    "checkpoint_minutes": 1e-9,
}


def drawing(label: str, draw: random.Random) -> Image.Image:
    """A shape of some colour somewhere on another."""
    width, height = draw.randint(40, 60), draw.randint(40, 60)
    image = Image.new("RGB", (width, height), tuple(draw.randint(0, 80) for _ in range(3)))
    long, short = draw.randint(18, 26), draw.randint(4, 8)
    size = {"bar": (long, short), "pole": (short, long), "disc": (long, long)}[label]
    left, top = draw.randint(2, width - size[0] - 2), draw.randint(2, height - size[1] - 2)
    place = (left, top, left + size[0], top + size[1])
    colour = tuple(draw.randint(130, 255) for _ in range(3))
    (ImageDraw.Draw(image).ellipse if label == "disc" else ImageDraw.Draw(image).rectangle)(place, fill=colour)
    return image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file of this format."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def shapes(count: int, seed: int) -> Rows:
    """`count` different pictures, as Prepare keeps them."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        label = LABELS[number % len(LABELS)]
        found = canonical(encoded(drawing(label, draw), draw.choice(("PNG", "JPEG", "WEBP"))))
        text = base64.b64encode(found.content).decode()
        rows.append({"id": found.sha256, "features": {"image": text}, "label": label})
    return rows


def new_job(root: Path, base: Path | None = None, train: int = 96, **hyperparameters: Any) -> Job:
    """A job on `train` + 32 pictures whose channels lie below `root`; keyword arguments are hyperparameters."""
    rows = shapes(train + 32, seed=1)
    lay_out(root, {"one": {"train": rows[:train], "validation": rows[train:]}})
    return Job(root, base, {"task": "image", "features": ("image",), **TUNING, **hyperparameters})


def run(job: Job) -> str:
    """Run the job in this process; returns its log."""
    log = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(log):
        for name, value in job.environment.items():
            patch.setenv(name, value)
        main(job.argv)
    return log.getvalue()
