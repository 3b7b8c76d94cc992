"""What a training job is given: hyperparameters on the command line, places from SageMaker's environment.

The command line may have gone through a shell: `domain/hyperparameters.py` says what that means for texts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tasks
from domain.hyperparameters import decode


@dataclass(frozen=True)
class Arguments:
    """The hyperparameters; `Hyperparameters` of `domain/settings.py` says their ranges and defaults."""

    run_id: str
    dataset_id: str
    task: str
    base_model: str
    base_revision: str
    features: tuple[str, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    max_length: int
    seed: int
    warmup_ratio: float
    weight_decay: float
    patience: int
    checkpoint_steps: int
    int8_min_agreement: float

    @classmethod
    def parse(cls, argv: Sequence[str] | None = None) -> Arguments:
        """Arguments from `argv` (default: the command line). Exits with status 2 on one missing, unknown or wrong."""
        parser = argparse.ArgumentParser(
            description="Fine-tune, judge, export and package one model.", allow_abbrev=False
        )
        add = partial(parser.add_argument, required=True)
        add("--run_id")
        add("--dataset_id")
        add("--task", choices=tasks.names())
        add("--base_model", type=_text, help="hub id, directory, or s3:// prefix in channel 'base'; encoded")
        add("--base_revision", type=_text, help="commit of the hub repository; encoded")
        add("--features", type=_names, help="list of column names; encoded")
        add("--epochs", type=int)
        add("--batch_size", type=int, help="rows per device and step")
        add("--learning_rate", type=float)
        add("--max_length", type=int, help="tokens; longer texts are cut")
        add("--seed", type=int)
        add("--warmup_ratio", type=float)
        add("--weight_decay", type=float)
        add("--patience", type=int, help="epochs without a better macro-F1 before stopping")
        add("--checkpoint_steps", type=int)
        add("--int8_min_agreement", type=float)
        return cls(**vars(parser.parse_args(argv)))


@dataclass(frozen=True)
class Places:
    """Where the container's contract puts things; everything moves with SAGEMAKER_BASE_DIR."""

    train: Path
    validation: Path
    dataset: Path
    base: Path | None
    checkpoints: Path
    model: Path
    output: Path
    failure: Path
    gpus: int
    # How many train together, as torchrun says it.
    processes: int

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Places:
        """The places in `environment`, by default under /opt/ml."""
        root = Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        data = root / "input" / "data"
        base = environment.get("SM_CHANNEL_BASE")
        return cls(
            train=Path(environment.get("SM_CHANNEL_TRAIN", data / "train")),
            validation=Path(environment.get("SM_CHANNEL_VALIDATION", data / "validation")),
            dataset=Path(environment.get("SM_CHANNEL_DATASET", data / "dataset")),
            base=Path(base) if base else None,
            # The toolkit sets no variable for these two.
            checkpoints=root / "checkpoints",
            failure=root / "output" / "failure",
            model=Path(environment.get("SM_MODEL_DIR", root / "model")),
            output=Path(environment.get("SM_OUTPUT_DATA_DIR", root / "output" / "data")),
            gpus=int(environment.get("SM_NUM_GPUS", "0")),
            processes=int(environment.get("WORLD_SIZE", "1")),
        )


def _text(word: str) -> str:
    text = _decoded(word)
    if not isinstance(text, str):
        raise argparse.ArgumentTypeError(f"{text!r} is not a text")
    return text


def _names(word: str) -> tuple[str, ...]:
    names = _decoded(word)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise argparse.ArgumentTypeError(f"{names!r} is not a list of column names")
    return tuple(names)


def _decoded(word: str) -> object:
    try:
        return decode(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
