"""What a job leaves behind: the model artifact for serving, the PyTorch checkpoint and curves for people."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from domain.artifact import MANIFEST, METRICS, MODEL, TOKENIZER, WEIGHTS, Manifest, sha256_file
from training.checkpoints import write_json


def save_checkpoint(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, history: Sequence[Mapping[str, Any]], output: Path
) -> Path:
    """Save the model (safetensors, config, tokenizer) and the curves below `output`; returns the model's directory."""
    directory = output / "checkpoint"
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    write_json(output / "curves.json", history)
    return directory


def write_artifact(
    directory: Path, int8: Path, tokenizer: PreTrainedTokenizerBase, manifest: Manifest, metrics: Mapping[str, Any]
) -> None:
    """Write the artifact's files into `directory`, the manifest last. The weights that `int8` names lie beside it.

    SageMaker uploads /opt/ml/model of a job it stops at its time limit too: an artifact without a manifest is none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    weights = [(int8.with_name(WEIGHTS), WEIGHTS)] if int8.with_name(WEIGHTS).exists() else []
    for source, name in (*weights, (int8, MODEL)):
        partial = directory / f"{name}.partial"
        shutil.copyfile(source, partial)
        os.replace(partial, directory / name)
    _bare(tokenizer).save(str(directory / TOKENIZER))
    write_json(directory / METRICS, metrics)
    sums = {name: sha256_file(directory / name) for name in (MODEL, *(name for _, name in weights), TOKENIZER, METRICS)}
    write_json(directory / MANIFEST, replace(manifest, sha256=sums).to_json())


def _bare(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """The tokenizer without padding and truncation: whoever loads it sets its own."""
    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy
