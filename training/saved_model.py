"""What a job that fine-tuned a model leaves behind for people: the PyTorch checkpoint and the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from training.checkpoints import write_json


def save_checkpoint(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase | None,
    history: Sequence[Mapping[str, Any]],
    output: Path,
) -> Path:
    """Save the model (safetensors, config, its tokenizer) and the curves below `output`; returns the model's directory."""
    directory = output / "checkpoint"
    model.save_pretrained(directory)
    if tokenizer is not None:
        tokenizer.save_pretrained(directory)
    write_json(output / "curves.json", history)
    return directory
