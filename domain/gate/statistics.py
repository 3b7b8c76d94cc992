"""The statistics behind the gate, in numpy alone: a paired bootstrap, McNemar's exact test, Holm's correction.

scipy has the test, but at 100 MB it does not fit beside onnxruntime in the Evaluate function; tests hold the two equal.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.gate.scores import encode

DRAWS: Final = 2000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """One model's scores in each resample: arrays of shape (DRAWS,)."""

    accuracy: Floats
    macro_f1: Floats

    def of(self, metric: str) -> Floats:
        """The draws of "accuracy" or "macro-F1". Raises KeyError for any other."""
        return {"accuracy": self.accuracy, "macro-F1": self.macro_f1}[metric]


def bootstrap(
    labels: Sequence[str], answers: Mapping[str, Sequence[str]], counted: Sequence[str], seed: str
) -> dict[str, Draws]:
    """Scores of each model (name to its answers to the n ≥ 1 rows) in DRAWS resamples of rows, the same for all models.

    Macro-F1 is over the labels `counted`; one without rows and guesses in a resample has F1 0 there. `seed` is any
    text. The order of rows does not matter: rows with the same label and answers are one cell of a multinomial
    distribution, which is what drawing n rows with replacement makes of them (Efron 1979, "Bootstrap Methods").
    """
    places, codes = encode([labels, *answers.values()])
    cells, counts = np.unique(codes, axis=1, return_counts=True)
    rows = int(counts.sum())
    draws = generator(seed).multinomial(rows, counts / rows, size=DRAWS).astype(np.float64)
    wanted = np.array([places[label] for label in counted])
    truth = cells[0]
    support = draws @ (truth[:, None] == wanted)
    return {model: _draws(draws, truth, cells[place], wanted, support) for place, model in enumerate(answers, 1)}


def generator(seed: str) -> np.random.Generator:
    """Chance that is the same for the same text, on every machine."""
    return np.random.Generator(np.random.PCG64(int(hashlib.sha256(seed.encode()).hexdigest()[:16], 16)))


def _draws(draws: Floats, truth: Any, answer: Any, wanted: Any, support: Floats) -> Draws:
    right = truth == answer
    hits = draws @ ((truth[:, None] == wanted) & right[:, None])
    total = support + draws @ (answer[:, None] == wanted)
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    return Draws(draws @ right / draws[0].sum(), f1.mean(axis=1))


def interval(draws: Floats, level: float) -> tuple[float, float]:
    """The central interval that holds `level` (0 to 1) of the draws."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mcnemar(lost: int, won: int) -> float:
    """One-sided exact p-value that a model is worse: `lost` rows only the old one has right, `won` only the new one.

    Those rows are a fair coin's tosses if neither is better (McNemar 1947, in its exact form); 1.0 without any.
    """
    return binomial_tail(lost, lost + won, 0.5)


def binomial_tail(least: int, trials: int, p: float) -> float:
    """P(X ≥ least) for X ~ Binomial(trials, p), exactly but for rounding."""
    if least <= 0 or least > trials:
        return float(least <= 0)
    if p <= 0 or p >= 1:
        return float(p >= 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    k = np.arange(least, trials + 1)
    ways = log_factorial[trials] - log_factorial[k] - log_factorial[trials - k]
    return min(1.0, float(np.exp(ways + k * np.log(p) + (trials - k) * np.log1p(-p)).sum()))


def wilson_upper(hits: int, trials: int, z: float = 1.6449) -> float:
    """Upper end of the one-sided score interval of a rate (Wilson 1927), 95% with this z; 1.0 without trials."""
    if not trials:
        return 1.0
    rate, square = hits / trials, z * z / trials
    spread = z * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials))
    return min(1.0, (rate + square / 2 + spread) / (1 + square))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: compared with a level, they hold it for the whole family (Holm 1979)."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
