"""The network to start from: a pretrained one, or a small one that knows nothing yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from transformers import AutoModelForImageClassification, PreTrainedModel, ResNetConfig
from transformers.utils.hub import cached_file

from domain.errors import BaseModelUnfit
from tasks.image.manifest import Channels, channels
from training import base_model

_PREPROCESSOR: Final = "preprocessor_config.json"
# transformers' IMAGENET_STANDARD_MEAN and _STD.
_MIDDLE: Final = (0.5, 0.5, 0.5)


class Base(NamedTuple):
    """A network with a head for the labels, and what its channels, from 0 to 1, are normalized by."""

    model: PreTrainedModel
    mean: Channels
    std: Channels


def load(name: str | None, revision: str | None, channel: Path | None, labels: tuple[str, ...]) -> Base:
    """The base model with a fresh head for `labels`; of None a small ResNet with random weights.

    Raises BaseModelUnavailable, BaseModelUnfit, HubUnreachable. Weights that are not loaded are drawn from PyTorch's
    global generator: seed it first.
    """
    head = base_model.head(labels)
    if name is None:
        return Base(AutoModelForImageClassification.from_config(_small(head)), _MIDDLE, _MIDDLE)
    with base_model.loading(name, revision, channel) as (origin, options):
        try:
            # A base that was fine-tuned for other labels has a head of another shape, which we replace anyway.
            model = AutoModelForImageClassification.from_pretrained(
                origin, ignore_mismatched_sizes=True, **head, **options
            )
        except ImportError as error:
            raise BaseModelUnfit(
                f"base model {name!r} needs a library that this job has not: choose another base_model ({error})"
            ) from error
        found = cached_file(origin, _PREPROCESSOR, _raise_exceptions_for_missing_entries=False, **options)
        preprocessor = json.loads(Path(found).read_bytes()) if found else {}
    return Base(model, *_normalization(name, preprocessor))


def check(name: str | None, model: PreTrainedModel, side: int) -> None:
    """Whether `model` can be trained on pictures of `side` x `side` pixels. Raises BaseModelUnfit, NotFinite."""
    named = name or "null"
    base_model.check_finite(named, model)
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, 3, side, side))
    except (ValueError, RuntimeError) as error:
        raise BaseModelUnfit(
            f"base model {named!r} cannot see pictures of {side} x {side} pixels in three colours: {error}. "
            "Set training.hyperparameters.image_size to what it was trained on, or choose another base_model"
        ) from error


def _small(head: dict[str, Any]) -> ResNetConfig:
    """A ResNet of 310,000 parameters."""
    return ResNetConfig(embedding_size=32, hidden_sizes=[32, 64, 128], depths=[1, 1, 1], layer_type="basic", **head)


def _normalization(name: str, preprocessor: dict[str, Any]) -> tuple[Channels, Channels]:
    if preprocessor.get("do_normalize") is False:
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    try:
        mean, std = (channels(preprocessor.get(key, _MIDDLE)) for key in ("image_mean", "image_std"))
    except (TypeError, ValueError) as error:
        raise BaseModelUnfit(
            f"base model {name!r} has no mean and deviation of three colours in {_PREPROCESSOR}: "
            "choose another base_model"
        ) from error
    if min(std) <= 0:
        raise BaseModelUnfit(f"base model {name!r} has an image_std of {min(std)} in {_PREPROCESSOR}")
    return mean, std
