"""The pretrained model to start from: the hub at a pinned revision, an S3 prefix (channel `base`), or a directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import requests
import torch
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from domain.errors import BaseModelUnavailable, BaseModelUnfit, HubUnreachable, NotFinite
from tasks.text.base_model import too_short

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def load(
    name: str, revision: str | None, channel: Path | None, labels: tuple[str, ...]
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """The tokenizer and the model with a fresh head for `labels`.

    Raises BaseModelUnavailable, BaseModelUnfit, HubUnreachable. The head's weights are drawn from PyTorch's global
    generator: seed it first.
    """
    origin, options = _origin(name, revision, channel)
    try:
        tokenizer = AutoTokenizer.from_pretrained(origin, use_fast=True, **options)
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
        if "revision" in options and any(_is_unanswered(link) for link in _chain(error)):
            raise HubUnreachable(
                f"the hub did not give base model {name!r}: {_first_line(error)} If this job has no way to the hub, "
                "put the files under an s3:// prefix and set training.base_model to it"
            ) from error
        raise BaseModelUnavailable(
            f"cannot load base model {name!r} from {origin!r}: {_first_line(error)} "
            "Set training.base_model and base_revision to a model that is there"
        ) from error
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
    broken = [key for key, value in model.named_parameters() if not torch.isfinite(value).all()]
    if broken:
        raise NotFinite(
            f"base model {name!r} has weights that are infinite or no numbers, the first in {broken[0]!r}: "
            "choose another base_model"
        )


def _origin(name: str, revision: str | None, channel: Path | None) -> tuple[str, dict[str, Any]]:
    if channel is not None:
        return str(channel), {"local_files_only": True}
    if name.startswith("s3://"):
        raise BaseModelUnavailable(f"base model {name!r} should have come as channel 'base', and there is none")
    if Path(name).is_dir():
        return name, {"local_files_only": True}
    if not revision:
        raise BaseModelUnavailable(f"base model {name!r} comes from the hub: pin its base_revision to a commit")
    return name, {"revision": revision}


def _is_unanswered(error: BaseException) -> bool:
    """Whether the hub could not be asked, or is in trouble itself, rather than having answered that there is none."""
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        status = int(error.response.status_code)
        return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR
    return isinstance(error, LocalEntryNotFoundError | requests.ConnectionError | requests.Timeout)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
