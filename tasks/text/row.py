"""A row of text features: each is a text, and a model is handed all of them as one string (`tasks/contract.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from domain.data.records import Column
from tasks.text.base_model import too_short
from tasks.text.input import text_of

if TYPE_CHECKING:
    from domain.settings import DataSettings, Kind, TrainingSettings

KIND: Final[Kind] = "classification"
MEASURES: Final = ("accuracy", "macro_f1")


def columns(data: DataSettings) -> tuple[Column, ...]:
    """A text for each feature."""
    return tuple(Column(name, data.max_chars) for name in data.features)


def asked(features: Mapping[str, str], names: Sequence[str]) -> str:
    """A row as an item of a request's `inputs`: its text."""
    return text_of(features, names)


def problems(training: TrainingSettings) -> list[str]:
    """What a base model in a directory of this machine says of itself; others are looked at when the job loads them."""
    folder = Path(training.base_model)
    found: list[dict[str, Any]] = []
    if not (folder / "config.json").is_file():
        return []
    for path in (folder / "config.json", folder / "tokenizer_config.json"):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})
        except ValueError as error:
            return [f"training.base_model: {path} cannot be read as JSON: {error}"]
    config, tokenizer = found
    # The tokenizer may cut a text before the model does (`tasks/text/train.py`).
    max_length = training.hyperparameters.max_length
    short = too_short(config, min(max_length, int(tokenizer.get("model_max_length", max_length))))
    return (
        [f"training.base_model is {json.dumps(training.base_model, ensure_ascii=False)}, but {short}"] if short else []
    )
