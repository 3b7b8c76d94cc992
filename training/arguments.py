"""What a training job is given: hyperparameters on the command line, places from SageMaker's environment.

The command line may have gone through a shell: `domain/hyperparameters.py` says what that means for texts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.hyperparameters import decode, encode


@dataclass(frozen=True)
class Arguments:
    """The hyperparameters; `Hyperparameters` of `domain/config.py` says their ranges."""

    run_id: str
    dataset_id: str
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
            description="Fine-tune, judge, export and package one text classifier.", allow_abbrev=False
        )
        parser.add_argument("--run_id", required=True)
        parser.add_argument("--dataset_id", required=True)
        parser.add_argument(
            "--base_model",
            type=_text,
            required=True,
            help="hub id, directory, or s3:// prefix in channel 'base'; encoded",
        )
        parser.add_argument(
            "--base_revision", type=_text, default=encode(""), help="commit of the hub repository; encoded"
        )
        parser.add_argument("--features", type=_names, default=("text",), help="list of column names; encoded")
        parser.add_argument("--epochs", type=int, default=3)
        parser.add_argument("--batch_size", type=int, default=16, help="rows per device and step")
        parser.add_argument("--learning_rate", type=float, default=5e-5)
        parser.add_argument("--max_length", type=int, default=128, help="tokens; longer texts are cut")
        parser.add_argument("--seed", type=int, default=42)
        parser.add_argument("--warmup_ratio", type=float, default=0.1)
        parser.add_argument("--weight_decay", type=float, default=0.01)
        parser.add_argument("--patience", type=int, default=2, help="epochs without a better macro-F1 before stopping")
        parser.add_argument("--checkpoint_steps", type=int, default=200)
        parser.add_argument("--int8_min_agreement", type=float, default=0.97)
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
