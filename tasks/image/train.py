"""How an image classifier is trained, exported and proved (`tasks/contract.py`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Read when the hub's library is imported: it would report versions with each request.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from transformers import set_seed
from transformers.utils import logging

from domain.artifact import MODEL, WEIGHTS
from tasks.contract import Proof
from tasks.image.manifest import Reading
from tasks.image.training import base
from tasks.image.training.export import export, prove
from tasks.image.training.pictures import Batch, Normalized, Pictures
from training import learning
from training.arguments import Arguments, Places
from training.checkpoints import write_json
from training.data import Rows, Splits
from training.saved_model import save_checkpoint


@dataclass(frozen=True)
class Hyperparameters(learning.FineTuning):
    """What this training takes; `tasks/image/settings.py` says the ranges and defaults. `image_size` is in pixels."""

    image_size: int
    augmentation: str


class Learner:
    """One training of an image classifier."""

    def __init__(self, arguments: Arguments, places: Places, splits: Splits) -> None:
        """Load the base model and decode the pictures. Raises TrainingError."""
        logging.disable_progress_bar()
        given: Hyperparameters = arguments.hyperparameters
        set_seed(given.seed)
        self._given, self._run, self._places, self._labels = given, arguments.run_id, places, splits.labels
        name, side = arguments.base_model, given.image_size
        self._model, mean, std = base.load(name, arguments.base_revision, places.base, splits.labels)
        base.check(name, self._model, side)
        self._reading = Reading(splits.labels, side, mean, std)
        learned = without_one_alone(splits.train, given.batch_size)
        self._rows = Pictures(
            learned.inputs, self._indices(learned), side, augmentation=given.augmentation, seed=given.seed
        )
        self._validation = Pictures(splits.validation.inputs, self._indices(splits.validation), side)

    def train(self, checkpoint: Path | None) -> None:
        """Train; the best epoch's weights stay. Raises GpuMissing, NotFinite."""
        examples = learning.Examples(self._rows, self._rows.labels, [1] * len(self._rows), numbered=True)
        self._trainer = learning.build(
            self._run,
            self._given,
            self._places,
            self._model,
            examples,
            self._validation,
            Batch(Normalized(self._reading.image_mean, self._reading.image_std)),
            checkpoint,
        )
        learning.fit(self._trainer, checkpoint)

    def is_first(self) -> bool:
        """Whether this is the first of the processes that train together."""
        return self._trainer.is_world_process_zero()

    def export(self, scratch: Path) -> None:
        """The graph; the checkpoint for people, as transformers' pipelines load it."""
        history = self._trainer.state.log_history
        self._saved = save_checkpoint(self._model, None, history, self._places.output)
        write_json(self._saved / "preprocessor_config.json", preprocessor(self._reading))
        self._graph = export(self._saved, self._reading, scratch)

    def prove(self) -> Proof:
        """The graph beside PyTorch, on validation rows. Raises ParityFailed."""
        parity = prove(self._saved, self._graph, self._reading, self._validation)
        return Proof(
            truths=[self._labels[self._validation.labels[row]] for row in parity.rows],
            answers=[self._labels[guess] for guess in parity.guesses],
            parity=parity.to_json(),
            reported={"onnx_difference": parity.onnx_difference},
        )

    def files(self) -> Mapping[str, Path]:
        """The graph, and its large tensors where it has any."""
        weights = self._graph.with_name(WEIGHTS)
        return {**({WEIGHTS: weights} if weights.exists() else {}), MODEL: self._graph}

    def own(self) -> Mapping[str, Any]:
        """How the model sees a picture."""
        return self._reading.to_json()

    def metrics(self) -> Mapping[str, Any]:
        """The best validation, the steps and the curves."""
        return learning.measured(self._trainer)

    def _indices(self, rows: Rows) -> list[int]:
        index = {label: place for place, label in enumerate(self._labels)}
        return [index[label] for label in rows.labels]


def learner(arguments: Arguments, places: Places, splits: Splits) -> Learner:
    """A classifier with a fresh head, ready to learn."""
    return Learner(arguments, places, splits)


def without_one_alone(rows: Rows, batch_size: int) -> Rows:
    """`rows`, the first one twice if the last batch of an epoch would have one alone.

    Batch normalization fails on a single picture where a network has reduced it to one position.
    """
    if len(rows.inputs) % batch_size != 1:
        return rows
    return Rows((*rows.inputs, rows.inputs[0]), (*rows.labels, rows.labels[0]))


def preprocessor(reading: Reading) -> dict[str, Any]:
    """How transformers sees a picture as this model does: its `preprocessor_config.json`."""
    side = reading.image_size
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": side, "width": side},
        # Pillow's number for BILINEAR.
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(reading.image_mean),
        "image_std": list(reading.image_std),
    }
