"""How a text classifier is fine-tuned, exported and proved (`tasks/contract.py`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Read when the hub's library is imported: it would report versions with each request.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import numpy as np
from datasets import Dataset, disable_progress_bars
from tokenizers import Tokenizer
from transformers import DataCollatorWithPadding, PreTrainedModel, PreTrainedTokenizerBase, set_seed
from transformers.utils import logging

from domain.artifact import MODEL, WEIGHTS
from domain.errors import BaseModelUnavailable
from tasks.contract import Proof
from tasks.text.manifest import TOKENIZER, Reading
from tasks.text.training import base
from tasks.text.training.export import export, inputs_of, prove
from training import learning
from training.arguments import Arguments, Places
from training.data import Rows, Splits
from training.saved_model import save_checkpoint


@dataclass(frozen=True)
class Hyperparameters(learning.FineTuning):
    """What this training takes; `tasks/text/settings.py` says the ranges and defaults. `max_length` is in tokens."""

    int8_min_agreement: float
    max_length: int


class Learner:
    """One training of a text classifier."""

    def __init__(self, arguments: Arguments, places: Places, splits: Splits) -> None:
        """Load the base model and tokenize the rows. Raises TrainingError."""
        disable_progress_bars()
        logging.disable_progress_bar()
        self._given: Hyperparameters = arguments.hyperparameters
        set_seed(self._given.seed)
        self._run, self._places, self._labels = arguments.run_id, places, splits.labels
        name, revision = arguments.base_model, arguments.base_revision
        if name is None:
            raise BaseModelUnavailable("text is learned from a pretrained model: set training.base_model to one")
        self._tokenizer, self._model = base.load(name, revision, places.base, splits.labels)
        self._max_length = min(self._given.max_length, self._tokenizer.model_max_length)
        base.check(name, self._tokenizer, self._model, self._max_length)
        self._inputs = inputs_of(self._tokenizer.model_input_names)
        self._rows = tokenize(splits.train, self._tokenizer, splits.labels, self._max_length)
        self._validation = tokenize(splits.validation, self._tokenizer, splits.labels, self._max_length)

    def train(self, checkpoint: Path | None) -> None:
        """Fine-tune; the best epoch's weights stay. Raises GpuMissing, NotFinite."""
        self._trainer = trainer(
            self._run, self._given, self._places, self._model, self._tokenizer, self._rows, self._validation, checkpoint
        )
        learning.fit(self._trainer, checkpoint)

    def is_first(self) -> bool:
        """Whether this is the first of the processes that train together."""
        return self._trainer.is_world_process_zero()

    def export(self, scratch: Path) -> None:
        """The graphs in fp32 and int8, and the tokenizer; the checkpoint for people."""
        history = self._trainer.state.log_history
        self._saved = save_checkpoint(self._model, self._tokenizer, history, self._places.output)
        self._fp32, self._int8 = export(self._saved, self._inputs, scratch)
        self._packaged = packaged(self._int8, self._tokenizer.backend_tokenizer, scratch)

    def prove(self) -> Proof:
        """The int8 graph beside fp32 and PyTorch, on validation rows. Raises ParityFailed."""
        encoded = [{name: np.array([row[name]], np.int64) for name in self._inputs} for row in self._validation]
        parity = prove(self._saved, self._fp32, self._int8, encoded, self._given.int8_min_agreement)
        truth = self._validation["labels"]
        return Proof(
            truths=[self._labels[truth[row]] for row in parity.rows],
            answers=[self._labels[guess] for guess in parity.guesses],
            parity=parity.to_json(),
            reported={"onnx_difference": parity.onnx_difference, "int8_agreement": parity.int8_agreement},
        )

    def files(self) -> Mapping[str, Path]:
        """The int8 graph, its large tensors where it has any, and the tokenizer."""
        return self._packaged

    def own(self) -> Mapping[str, Any]:
        """How the model reads a text."""
        return Reading(self._labels, self._max_length, self._inputs).to_json()

    def metrics(self) -> Mapping[str, Any]:
        """The best validation, the steps and the curves."""
        return learning.measured(self._trainer)


def learner(arguments: Arguments, places: Places, splits: Splits) -> Learner:
    """A classifier with a fresh head, ready to learn."""
    return Learner(arguments, places, splits)


def trainer(
    run: str,
    tuning: Hyperparameters,
    places: Places,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    checkpoint: Path | None,
) -> learning.SampledTrainer:
    """A Trainer for tokenized splits (`training/learning.py`), whose batches are padded to their longest row."""
    multiple = 8 if learning.device_of(places) == "cuda" else None
    return learning.build(
        run,
        tuning,
        places,
        model,
        learning.Examples(train, list(train["labels"]), list(train["length"])),
        # Like lengths together here too; the order of rows does not matter to the scores.
        validation.select(np.argsort(validation["length"], kind="stable")),
        DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple),
        checkpoint,
        tokenizer,
    )


def tokenize(rows: Rows, tokenizer: PreTrainedTokenizerBase, labels: tuple[str, ...], max_length: int) -> Dataset:
    """`rows` as token ids (columns of the tokenizer, `labels` as an index, `length` in tokens), in the same order."""
    index = {label: position for position, label in enumerate(labels)}

    def encode(batch: dict[str, list[str]]) -> dict[str, Any]:
        encoded = dict(tokenizer(batch["text"], truncation=True, max_length=max_length))
        encoded["labels"] = [index[label] for label in batch["label"]]
        encoded["length"] = [len(ids) for ids in encoded["input_ids"]]
        return encoded

    texts = Dataset.from_dict({"text": list(rows.inputs), "label": list(rows.labels)})
    # Hashing the function for a cache key is slow, and nothing is cached: the dataset lives in memory.
    return texts.map(encode, batched=True, remove_columns=texts.column_names, new_fingerprint="tokenized")


def packaged(graph: Path, tokenizer: Tokenizer, scratch: Path) -> dict[str, Path]:
    """The artifact's files by their names: a graph, the large tensors that it names beside itself, and the tokenizer.

    The tokenizer is written below `scratch`, without padding and truncation: whoever loads it sets its own.
    """
    bare = Tokenizer.from_str(tokenizer.to_str())
    bare.no_padding()
    bare.no_truncation()
    bare.save(str(scratch / TOKENIZER))
    weights = graph.with_name(WEIGHTS)
    return {**({WEIGHTS: weights} if weights.exists() else {}), MODEL: graph, TOKENIZER: scratch / TOKENIZER}
