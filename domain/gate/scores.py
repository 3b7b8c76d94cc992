"""How well predictions match labels: accuracy, macro-F1 and the commonest label, in numpy alone.

scikit-learn has these too, but at 100 MB it does not fit beside onnxruntime in the Evaluate function; a test holds
the two equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from domain.gate.types import LabelScore, Scores


def score(labels: Sequence[str], predictions: Sequence[str], min_label_rows: int = 1) -> Scores:
    """Scores of `predictions` against `labels`, two sequences of the same length n ≥ 1.

    Labels with fewer than `min_label_rows` rows do not count towards macro-F1 and are listed in `left_out`; if
    none has enough, all count. Raises ValueError on empty or unequal input.
    """
    if not labels or len(labels) != len(predictions):
        raise ValueError(f"{len(labels)} labels and {len(predictions)} predictions: need as many of both, at least one")
    places, (truth, guess) = encode([labels, predictions])
    right = truth == guess
    support, guessed, hits = (np.bincount(which, minlength=len(places)) for which in (truth, guess, truth[right]))
    per_label = tuple(
        _label_score(name, int(support[place]), int(guessed[place]), int(hits[place]))
        for name, place in places.items()
        if support[place]
    )
    counted = [item for item in per_label if item.support >= min_label_rows] or list(per_label)
    return Scores(
        rows=len(labels),
        values={"accuracy": float(np.mean(right)), "macro_f1": float(np.mean([item.f1 for item in counted]))},
        labels=per_label,
        left_out=tuple(item.label for item in per_label if item not in counted),
    )


def confusion(labels: Sequence[str], predictions: Sequence[str]) -> list[tuple[str, str, int]]:
    """(label, answer, rows) of every pair that occurs, in order."""
    counts = Counter(zip(labels, predictions, strict=True))
    return [(label, answer, count) for (label, answer), count in sorted(counts.items())]


def majority_label(labels: Sequence[str]) -> str:
    """The most frequent of `labels` (n ≥ 1); of those equally frequent, the first in the alphabet."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def encode(columns: Sequence[Sequence[str]]) -> tuple[dict[str, int], NDArray[np.int64]]:
    """Each name's number, in the names' order, and the columns (all of length n) in these numbers: (columns, n)."""
    places = {name: place for place, name in enumerate(sorted(set().union(*columns)))}
    return places, np.array([[places[name] for name in column] for column in columns], dtype=np.int64)


def _label_score(name: str, support: int, guessed: int, hits: int) -> LabelScore:
    precision = hits / guessed if guessed else 0.0
    return LabelScore(name, support, precision, hits / support, 2 * hits / (guessed + support))
