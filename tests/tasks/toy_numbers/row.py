"""A row of the task: a text, and a number for its label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from domain.data.records import Column

if TYPE_CHECKING:
    from domain.data.settings import DataSettings
    from domain.settings import Kind

MEASURES: Final[dict[Kind, tuple[str, ...]]] = {"regression": ("mae", "r2")}


def columns(data: DataSettings) -> tuple[Column, ...]:
    """A text for each feature."""
    return tuple(Column(name, data.max_chars) for name in data.texts())


def asked(features: Mapping[str, str], names: Sequence[str]) -> str:
    """The first feature."""
    return features[names[0]]
