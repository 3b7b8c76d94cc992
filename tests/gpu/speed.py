"""Steps a second of the script's own Trainer, with the Trainer's NaN filter and without it, in turns."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import TrainerCallback

from tasks.text.train import Hyperparameters, tokenize, trainer
from tasks.text.training.base import load
from tests.gpu.made import BATCH, Plan, tuning
from tests.training.job import TUNING, reviews
from training.arguments import Places
from training.data import Rows

LABELS = ("blame", "praise")
# Rows of like length come together within so many batches (transformers.trainer_pt_utils), so that blocks of as many
# steps have the same work.
BLOCK = 50


@dataclass(frozen=True)
class Speed:
    """Steps a second as the script trains, the share of time that the filter would take, and tokens of a row."""

    steps: float
    filtering: float
    tokens: float


class Blocks(TrainerCallback):
    """Times blocks of steps, the first of which warm up, every second one with the filter; ends after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.took = seconds, defaultdict[bool, list[float]](list)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.began = self.since = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % BLOCK:
            return
        if args.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        if state.global_step > 2 * BLOCK:
            self.took[args.logging_nan_inf_filter].append(now - self.since)
        args.logging_nan_inf_filter = not args.logging_nan_inf_filter
        self.since = now
        # Both have been measured as often.
        if now - self.began >= self.seconds and len(self.took[True]) == len(self.took[False]) > 0:
            control.should_training_stop = True


def measure(folder: Path, base_model: Path, plan: Plan) -> Speed:
    """Train for some seconds below `folder`."""
    rows = reviews(plan.steps * BATCH, seed=2)
    given = Hyperparameters(**{**TUNING, **tuning(epochs=100, patience=100, checkpoint_minutes=60)})
    tokenizer, model = load(str(base_model), None, None, LABELS)
    texts, labels = zip(*((row["features"]["text"], row["label"]) for row in rows), strict=True)
    read = tokenize(Rows(texts, labels), tokenizer, LABELS, given.max_length)
    places = Places.of({"SAGEMAKER_BASE_DIR": str(folder)})
    learning = trainer("speed", given, places, model, tokenizer, read, read.select(range(BATCH)), None)
    blocks = Blocks(plan.seconds)
    learning.add_callback(blocks)  # type: ignore[no-untyped-call]
    learning.train()
    with_filter, without = (median(blocks.took[is_on]) for is_on in (True, False))
    return Speed(BLOCK / without, 1 - without / with_filter, sum(read["length"]) / len(rows))
