"""A row of the toy task: a text for each feature, asked as the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from domain.data.records import Column

if TYPE_CHECKING:
    from domain.data.settings import DataSettings
    from domain.settings import Kind

MEASURES: Final[dict[Kind, tuple[str, ...]]] = {"classification": ("accuracy", "macro_f1")}


def columns(data: DataSettings) -> tuple[Column, ...]:
    """A text for each feature."""
    return tuple(Column(name, data.max_chars) for name in data.texts())


def asked(features: Mapping[str, str], names: Sequence[str]) -> str:
    """The first feature."""
    return features[names[0]]
