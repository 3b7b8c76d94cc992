"""A row of text features: each is a text, and a model is handed all of them as one string (`tasks/contract.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from domain.data.records import Column
from tasks.text.input import text_of

if TYPE_CHECKING:
    from domain.data.settings import DataSettings
    from domain.settings import Kind

MEASURES: Final[dict[Kind, tuple[str, ...]]] = {"classification": ("accuracy", "macro_f1")}


def columns(data: DataSettings) -> tuple[Column, ...]:
    """A text for each feature."""
    return tuple(Column(name, data.max_chars) for name in data.texts())


def asked(features: Mapping[str, str], names: Sequence[str]) -> str:
    """A row as an item of a request's `inputs`: its text."""
    return text_of(features, names)
