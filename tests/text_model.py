"""A text model as tests look at it: with its scores, which the server does not need."""

from __future__ import annotations

from pathlib import Path

from serving import loading
from tasks.text.predict import Predictor


def load(directory: Path, threads: int = 1, *, sealed: str | None = None) -> Predictor:
    """The predictor of an unpacked artifact, loaded as the server does."""
    found = loading.load(directory, threads, sealed=sealed)
    assert isinstance(found, Predictor)
    return found
