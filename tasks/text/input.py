"""A row as the one string that a model reads: the same in training, in the gate and at the endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def text_of(features: Mapping[str, str], names: Sequence[str]) -> str:
    """The one text that a model reads of a row: its features in the settings' order, one per line.

    Raises KeyError if the row lacks one.
    """
    return "\n".join(features[name] for name in names)
