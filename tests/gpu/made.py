"""What is learned from and what starts it: random weights and made-up reviews, so that nothing has to be fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

from tasks.text.manifest import INPUTS
from tests.tiny_model import tiny_tokenizer
from tests.training.job import ALWAYS, Job, lay_out, reviews

EPOCHS = 2
BATCH = 16
# The settings' own checkpoint_minutes.
MINUTES = 10.0


@dataclass(frozen=True)
class Plan:
    """How much is done: speed is measured for so many `seconds`, and an epoch takes as long, but has at most `steps`.

    `minutes` is what the job that is killed may go without a checkpoint.
    """

    seconds: float
    steps: int
    minutes: float
    config: dict[str, Any] = field(default_factory=dict)


# The configuration's defaults are distilbert-base-uncased: 66 million parameters.
LARGE = Plan(seconds=12, steps=2500, minutes=0.06)
# For a machine without a GPU: it shows that the script itself works.
SMALL = Plan(1, 20, ALWAYS, {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "vocab_size": 200})


def base(into: Path, plan: Plan) -> Path:
    """Write a base model below `into`: config, tokenizer, safetensors; returns `into`."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer(),
        model_max_length=64,
        model_input_names=list(INPUTS[:2]),
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    torch.manual_seed(0)
    DistilBertForSequenceClassification(DistilBertConfig(**plan.config)).save_pretrained(into)
    tokenizer.save_pretrained(into)
    return into


def job(root: Path, base_model: Path, steps: int) -> Job:
    """A job whose epochs have so many steps."""
    rows = reviews((steps + 10) * BATCH, seed=1)
    lay_out(root, {"one": {"train": rows[: steps * BATCH], "validation": rows[steps * BATCH :]}})
    return Job(root, base_model, tuning(checkpoint_minutes=MINUTES))


def again(other: Job, root: Path, minutes: float) -> Job:
    """The same job in another place, with checkpoints that are no further apart than that."""
    root.mkdir()
    (root / "input").symlink_to(other.root / "input")
    return Job(root, other.base, tuning(checkpoint_minutes=minutes))


def tuning(**other: Any) -> dict[str, Any]:
    """The hyperparameters: the settings' defaults, but for few epochs and untrained weights."""
    return {
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "learning_rate": 5e-5,
        "max_length": 64,
        "patience": EPOCHS,
        "int8_min_agreement": 0.0,
        **other,
    }
