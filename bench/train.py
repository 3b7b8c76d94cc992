"""Training: what our script adds to a plain PyTorch loop, what batches of like length save, how often it can be saved.

The model is MiniLM with its real weights, the rows are the demo's reviews, on one thread of a CPU. Time is the thread's
own CPU time, so that a busy machine does not count: what is asked is how the work is shared out, not how fast it is.
"""

# ruff: noqa: ARG002 (the Trainer dictates the signatures)

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from datasets import disable_progress_bars
from torch.utils.data import DataLoader
from transformers import DataCollatorWithPadding, TrainerCallback, get_linear_schedule_with_warmup, set_seed
from transformers.utils import logging

from bench.report import Cell, Result, Table, Target
from ops import minilm
from ops.reviews import rotten_tomatoes
from tasks.text import settings
from tasks.text.train import Hyperparameters, tokenize
from tasks.text.train import trainer as text_trainer
from tasks.text.training import base
from training import checkpoints, learning
from training.arguments import Places
from training.data import Rows

LABELS: Final = ("negative", "positive")
# Steps that are not counted: allocators and caches warm up.
_WARM_UP: Final = 3
_COMPUTE: Final = ("forward", "backward", "clipping", "optimizer")


def run(*, full: bool) -> Result:
    """The part `train`: minutes on one core."""
    disable_progress_bars()
    # It would warn each time that the new head is untrained.
    logging.set_verbosity_error()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = _Bench(Path(folder), steps=60 if full else 20)
            plain, (ours, saving) = _plain(bench), _ours(bench)
            size = sum(path.stat().st_size for path in bench.folder.rglob("checkpoint-*/*"))
        step = ours.seconds["all"] / bench.steps
        extra = (ours.beside - plain.beside) * 100
        padding, speedup = _padding(bench)
    finally:
        torch.set_num_threads(threads)
    return Result(
        "Training",
        [_overhead(bench, plain, ours), padding, _checkpoints(bench, step, saving, size)],
        [Target.at_most("what our script adds to a plain loop", 3, extra, "%")],
        {"overhead_percent": extra, "padding_speedup": speedup, "checkpoint_seconds": saving},
    )


class Meter:
    """CPU seconds of this thread by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._since: dict[str, float] = {}

    def start(self, name: str) -> None:
        """A stretch of `name` begins."""
        self._since[name] = time.thread_time()

    def stop(self, name: str) -> None:
        """It ends."""
        self.seconds[name] += time.thread_time() - self._since[name]

    def metered(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, counted as `name`."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.start(name)
            try:
                return work(*args, **kwargs)
            finally:
                self.stop(name)

        return counted

    def watch(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Count the model's forward passes and the optimizer's steps from now on."""
        model.register_forward_pre_hook(lambda *_: self.start("forward"))
        model.register_forward_hook(lambda *_: self.stop("forward"))
        optimizer.register_step_pre_hook(lambda *_: self.start("optimizer"))
        optimizer.register_step_post_hook(lambda *_: self.stop("optimizer"))

    @property
    def compute(self) -> float:
        """What any training has to do."""
        return sum(self.seconds[name] for name in _COMPUTE)

    @property
    def beside(self) -> float:
        """All the rest, as a share of that."""
        return (self.seconds["all"] - self.compute) / self.compute


@dataclass
class _Bench:
    """One model, one order of rows, so many steps."""

    folder: Path
    steps: int

    def __post_init__(self) -> None:
        self.given = Hyperparameters(**settings.Hyperparameters(epochs=1).model_dump())
        texts, labels = zip(*rotten_tomatoes()[:3000], strict=True)
        self.rows = Rows(texts, labels)
        self.tokenizer, _ = self.load()
        began = time.thread_time()
        self.all = tokenize(self.rows, self.tokenizer, LABELS, self.given.max_length)
        self.tokenizing = time.thread_time() - began
        self.train = self.all.select(range(self.given.batch_size * (self.steps + _WARM_UP)))
        self.validation = self.all.select(range(16))

    def load(self) -> tuple[Any, Any]:
        """Tokenizer and model, the same weights every time."""
        set_seed(self.given.seed)
        return base.load(str(minilm.folder()), None, None, LABELS)

    def loader(self) -> Any:
        """Batches padded to their longest row, in the training's own order."""
        lengths = list(self.train["length"])
        return DataLoader(
            self.train.remove_columns("length"),
            batch_size=self.given.batch_size,
            sampler=learning.ByLength(lengths, self.given.batch_size, self.given.seed, lambda: 0),
            collate_fn=DataCollatorWithPadding(self.tokenizer),
        )


class _Watch(TrainerCallback):
    """Starts the meter after the warm-up, stops it with the last step."""

    def __init__(self, meter: Meter) -> None:
        self.meter, self.saving = meter, 0.0

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A save follows."""
        self.saving = time.perf_counter()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Written by the Trainer, and sealed and pruned by a callback that comes before this one."""
        self.saving = time.perf_counter() - self.saving

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The Trainer validates and saves after this."""
        if state.global_step == _WARM_UP:
            self.meter.seconds.clear()
            self.meter.start("all")
        if state.global_step == state.max_steps:
            self.meter.stop("all")


def _overhead(bench: _Bench, plain: Meter, ours: Meter) -> Table:
    rows: list[list[Cell]] = [
        [name, *(meter.seconds[part] / bench.steps * 1000 for part in _COMPUTE), meter.beside * 100]
        for name, meter in (("plain PyTorch loop", plain), ("our script", ours))
    ]
    notes = (
        f"{bench.steps} steps of {bench.given.batch_size} rows, {np.mean(bench.train['length']):.0f} tokens each "
        "on average, one thread; the model is a small one, so what is beside it weighs much",
        "beside: fetching and padding batches, the loss, the schedule, logging, the Trainer itself",
        f"{len(bench.rows.inputs):,} rows are tokenized once, before the first epoch: {bench.tokenizing:.2f} s",
    )
    return Table("CPU milliseconds a step", ("", *_COMPUTE, "beside these, % of them"), rows, notes)


def _checkpoints(bench: _Bench, step: float, saving: float, size: int) -> Table:
    wait = checkpoints.wait(saving, 60 * bench.given.checkpoint_minutes)
    return Table(
        "Checkpoints",
        ("", "MB", "save and seal, s", "the next one after, s", "share of training, %", "an interruption costs, steps"),
        [("MiniLM", size / 1e6, saving, wait, saving / (wait + saving) * 100, wait / step)],
        ("steps at most, beside those while a checkpoint is on its way to S3; on a GPU they are more",),
    )


def _ours(bench: _Bench) -> tuple[Meter, float]:
    """The Trainer as the script builds it, with all its callbacks; and the seconds of its one checkpoint."""
    meter, (_, model) = Meter(), bench.load()
    places = Places.of({"SAGEMAKER_BASE_DIR": str(bench.folder)})
    trainer = text_trainer("bench", bench.given, places, model, bench.tokenizer, bench.train, bench.validation, None)
    watch = _Watch(meter)
    trainer.add_callback(watch)  # type: ignore[no-untyped-call]
    meter.watch(model, trainer.create_optimizer())  # type: ignore[no-untyped-call]
    for method, name in (("backward", "backward"), ("clip_grad_norm_", "clipping")):
        setattr(trainer.accelerator, method, meter.metered(name, getattr(trainer.accelerator, method)))
    trainer.train()
    return meter, watch.saving


def _plain(bench: _Bench) -> Meter:
    """The loop of PyTorch's tutorials, with what the Trainer does besides: weight decay, clipping, schedule."""
    meter, (_, model) = Meter(), bench.load()
    model.train()
    options = bench.given
    optimizer = torch.optim.AdamW(
        model.parameters(), options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    meter.watch(model, optimizer)
    batches = bench.loader()
    warm_up = round(options.warmup_ratio * len(batches))
    schedule = get_linear_schedule_with_warmup(optimizer, warm_up, len(batches))
    backward = meter.metered("backward", torch.Tensor.backward)
    clip = meter.metered("clipping", torch.nn.utils.clip_grad_norm_)
    for step, batch in enumerate(batches):
        if step == _WARM_UP:
            meter.seconds.clear()
            meter.start("all")
        labels = batch.pop("labels")
        loss = torch.nn.functional.cross_entropy(model(**batch).logits, labels)
        backward(loss)
        clip(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    meter.stop("all")
    return meter


def _padding(bench: _Bench) -> tuple[Table, float]:
    """Positions computed in an epoch, and CPU time of some of its batches, by how rows are put together."""
    lengths, size = np.array(bench.all["length"]), bench.given.batch_size
    shuffled = np.random.default_rng(bench.given.seed).permutation(len(lengths))
    grouped = list(learning.ByLength(lengths.tolist(), size, bench.given.seed, lambda: 0))
    positions = {
        f"every row padded to {bench.given.max_length}": len(lengths) * bench.given.max_length,
        "batches padded to their longest row": _padded(lengths[shuffled], size),
        "and made of rows of like length (ours)": _padded(lengths[grouped], size),
    }
    _, model = bench.load()
    model.train()
    seconds = [_epoch_seconds(model, count / len(lengths), size, len(lengths)) for count in positions.values()]
    rows = [
        (name, count, took, seconds[0] / took) for (name, count), took in zip(positions.items(), seconds, strict=True)
    ]
    notes = (
        f"{len(lengths):,} reviews, {lengths.mean():.0f} tokens each on average; forward and backward passes of",
        "batches of each kind's mean length, times their number",
    )
    return Table("Padding", ("", "positions an epoch", "CPU s an epoch", "speed-up"), rows, (" ".join(notes),)), (
        seconds[0] / seconds[-1]
    )


def _padded(lengths: Any, size: int) -> int:
    return sum(
        len(lengths[start : start + size]) * int(lengths[start : start + size].max())
        for start in range(0, len(lengths), size)
    )


def _epoch_seconds(model: Any, length: float, size: int, rows: int, repeats: int = 5) -> float:
    ids = torch.full((size, round(length)), 2000)
    labels = torch.zeros(size, dtype=torch.int64)

    def step() -> None:
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(ids, torch.ones_like(ids)).logits, labels)
        loss.backward()  # type: ignore[no-untyped-call]

    step()
    return float(np.median([_cpu_seconds(step) for _ in range(repeats)])) * rows / size


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began
