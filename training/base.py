"""The pretrained model to start from: the hub at a pinned revision, an S3 prefix (channel `base`), or a directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from training.errors import BaseModelUnavailable


def load(
    name: str, revision: str, channel: Path | None, labels: tuple[str, ...]
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """The tokenizer and the model with a fresh head for `labels`. Raises BaseModelUnavailable.

    The head's weights are drawn from PyTorch's global generator: seed it first.
    """
    origin, options = _origin(name, revision, channel)
    try:
        tokenizer = AutoTokenizer.from_pretrained(origin, use_fast=True, **options)  # type: ignore[no-untyped-call]
        model = AutoModelForSequenceClassification.from_pretrained(
            origin,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
            # A base that was fine-tuned for other labels has a head of another shape, which we replace anyway.
            ignore_mismatched_sizes=True,
            **options,
        )
    except (OSError, ValueError) as error:
        raise BaseModelUnavailable(
            f"cannot load base model {name!r} from {origin!r}: {_first_line(error)} "
            "If this job has no way to the hub, put the files under an s3:// prefix and set base_model to it."
        ) from error
    if not tokenizer.is_fast:
        raise BaseModelUnavailable(f"base model {name!r} has no fast tokenizer, and serving needs its tokenizer.json")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = tokenizer.pad_token_id
    return tokenizer, model


def _origin(name: str, revision: str, channel: Path | None) -> tuple[str, dict[str, Any]]:
    if channel is not None:
        return str(channel), {"local_files_only": True}
    if name.startswith("s3://"):
        raise BaseModelUnavailable(f"base model {name!r} should have come as channel 'base', and there is none")
    if Path(name).is_dir():
        return name, {"local_files_only": True}
    if not revision:
        raise BaseModelUnavailable(f"base model {name!r} comes from the hub: pin its base_revision to a commit")
    return name, {"revision": revision}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
