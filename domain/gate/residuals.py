"""How far off a model's answers are, for people: nothing is judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from domain.gate.statistics import Floats
from domain.gate.types import Residuals

_BINS: Final = 21
# The outermost bins take what is farther off than this share of all answers.
_SHOWN: Final = 0.98


def residuals(truths: Floats, answers: Mapping[str, Floats]) -> dict[str, Residuals]:
    """By model, of n ≥ 1 rows: all are arrays of n finite numbers."""
    errors = {model: given - truths for model, given in answers.items()}
    every = np.abs(np.concatenate(list(errors.values())))
    reach = float(np.quantile(every, _SHOWN)) or float(every.max()) or 1.0
    edges = np.linspace(-reach, reach, _BINS + 1)
    return {model: _residuals(error, edges) for model, error in errors.items()}


def _residuals(error: Floats, edges: Floats) -> Residuals:
    counts, _ = np.histogram(np.clip(error, edges[0], edges[-1]), edges)
    median, most = (float(value) for value in np.quantile(np.abs(error), [0.5, 0.95]))
    ends = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return Residuals(float(error.mean()), median, most, list(ends))
