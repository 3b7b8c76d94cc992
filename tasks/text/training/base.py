"""The pretrained model to start from, and whether it can be trained as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from domain.errors import BaseModelUnfit
from tasks.text.base_model import too_short
from training import base_model


def load(
    name: str, revision: str | None, channel: Path | None, labels: tuple[str, ...]
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """The tokenizer and the model with a fresh head for `labels`.

    Raises BaseModelUnavailable, BaseModelUnfit, HubUnreachable. The head's weights are drawn from PyTorch's global
    generator: seed it first.
    """
    with base_model.loading(name, revision, channel) as (origin, options):
        tokenizer = AutoTokenizer.from_pretrained(origin, use_fast=True, **options)
        # A base that was fine-tuned for other labels has a head of another shape, which we replace anyway.
        model = AutoModelForSequenceClassification.from_pretrained(
            origin, ignore_mismatched_sizes=True, **base_model.head(labels), **options
        )
    if not tokenizer.is_fast:
        raise BaseModelUnfit(
            f"base model {name!r} has no fast tokenizer, and serving needs its tokenizer.json: "
            "choose another base_model"
        )
    if tokenizer.pad_token is None:
        # Attention never looks at what pads, so any token of the vocabulary will do.
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = tokenizer.pad_token_id
    return tokenizer, model


def check(name: str, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, max_length: int) -> None:
    """Whether `model` can be trained on texts of `max_length` tokens. Raises BaseModelUnfit, NotFinite."""
    if tokenizer.pad_token is None:
        raise BaseModelUnfit(
            f"base model {name!r} has neither a pad token nor an eos token to fill batches with: "
            "name one in its tokenizer_config.json, or choose another base_model"
        )
    short = too_short(model.config.to_dict(), max_length)
    if short:
        raise BaseModelUnfit(f"base model {name!r} reads too little of a text: {short}")
    embeddings: Any = model.get_input_embeddings()
    embedded = embeddings.weight.shape[0]
    if embedded < len(tokenizer):
        raise BaseModelUnfit(
            f"base model {name!r} has embeddings for {embedded} tokens, and its tokenizer makes {len(tokenizer)}: "
            "its files do not belong together, so choose another base_model"
        )
    base_model.check_finite(name, model)
