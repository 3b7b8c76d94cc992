"""A row of a table: columns that hold numbers or categories, any of which may be missing (`tasks/contract.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from domain.data.records import Column
from domain.data.spelling import number, plain

if TYPE_CHECKING:
    from domain.data.settings import DataSettings, FeatureType
    from domain.settings import Kind

MEASURES: Final[dict[Kind, tuple[str, ...]]] = {
    "classification": ("accuracy", "macro_f1"),
    "regression": ("mae", "rmse", "r2"),
}
# A double has 24 characters in its shortest form, and over 300 written out, which is more than a value is looked at for
# if it is four times as long as this.
_NUMBER_CHARS: Final = 100


def columns(data: DataSettings) -> tuple[Column, ...] | None:
    """The columns with their types; None if the first file is to say which there are, or of what type one is."""
    types = data.types or {}
    if data.features is None or not types.keys() >= set(data.features):
        return None
    return tuple(column(name, types[name], data.max_chars) for name in data.features)


def column(name: str, kind: FeatureType, max_chars: int) -> Column:
    """A column that may lack a value; a category has at most `max_chars` characters."""
    return Column(name, _NUMBER_CHARS if kind == "number" else max_chars, required=False, type=kind)


def asked(features: Mapping[str, str], names: Sequence[str]) -> dict[str, float | str]:
    """A row as an item of a request's `inputs`: its values by column, numbers as JSON has them, what it lacks left out.

    So is a category that is spelled as a number, which is read as the same category again.
    """
    return {name: _spoken(features[name]) for name in names if name in features}


def _spoken(text: str) -> float | str:
    if number(text) != text:
        return text
    value = int(text) if text.lstrip("-").isdigit() else float(text)
    # A category must be the same text again, and a number of many digits is not.
    return value if plain(value) == text else text
