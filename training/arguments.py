"""What a training job is given: hyperparameters on the command line, places from SageMaker's environment.

The command line may have gone through a shell: `domain/hyperparameters.py` says what that means for texts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import tasks
from domain.hyperparameters import decode


@dataclass(frozen=True)
class Arguments:
    """What a job is given: what each is, and the `hyperparameters` of its task.

    The latter are of the class of that name in the task's `train.py`; `tasks/<task>/settings.py` says their ranges.
    """

    run_id: str
    dataset_id: str
    task: str
    base_model: str | None
    base_revision: str | None
    features: tuple[str, ...]
    hyperparameters: Any

    @classmethod
    def parse(cls, argv: Sequence[str] | None = None) -> Arguments:
        """Arguments from `argv` (default: the command line). Exits with status 2 on one missing, unknown or wrong."""
        parser = argparse.ArgumentParser(description="Train, judge, export and package one model.", allow_abbrev=False)
        add = parser.add_argument
        add("--run_id", required=True)
        add("--dataset_id", required=True)
        add("--task", required=True, choices=tasks.names())
        add("--features", default=(), type=_names, help="list of column names, if the dataset has none; encoded")
        add("--base_model", type=_text, help="hub id, directory, or s3:// prefix in channel 'base'; encoded")
        add("--base_revision", type=_text, help="commit of the hub repository; encoded")
        known, _ = parser.parse_known_args(argv)
        of_task = tasks.train(known.task).Hyperparameters
        types = get_type_hints(of_task)
        for name in types:
            add(f"--{name}", required=True, type=_text if types[name] is str else types[name])
        given = vars(parser.parse_args(argv))
        return cls(hyperparameters=of_task(**{name: given.pop(name) for name in types}), **given)


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
