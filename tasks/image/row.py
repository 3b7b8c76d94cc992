"""A row of one picture, which is kept as base64 of an encoded picture (`tasks/contract.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from domain.data.records import Column

if TYPE_CHECKING:
    from domain.data.settings import DataSettings
    from domain.settings import Kind

MEASURES: Final[dict[Kind, tuple[str, ...]]] = {"classification": ("accuracy", "macro_f1")}


def columns(data: DataSettings) -> tuple[Column, ...]:
    """The picture. Raises ValueError for settings of tables, of several pictures a row, or of a picture as slice."""
    names = data.features or ()
    if len(names) != 1 or data.types is not None:
        raise ValueError("features must be one name, and types null: a row of this task is one picture")
    if data.slice in names:
        raise ValueError("slice must be another column than the picture's: a metadata.csv can give one")
    # Its length is bounded where it is read.
    return (Column(names[0], data.max_chars, type="image"),)


def asked(features: Mapping[str, str], names: Sequence[str]) -> str:
    """A row as an item of a request's `inputs`: its picture in base64."""
    (name,) = names
    return features[name]
