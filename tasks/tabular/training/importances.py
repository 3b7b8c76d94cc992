"""What each column is worth to the trees: what they lose on validation rows whose values there are shuffled.

That is permutation importance (Breiman, "Random Forests", 2001), as scikit-learn computes it. Two columns that say the
same stand in for one another: each of them may seem worth nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance

# Enough to tell columns apart; each column costs as many rounds of predictions.
_ROWS: Final = 2_000
_ROUNDS: Final = 5


def importances(
    trees: Any, rows: NDArray[np.float32], targets: NDArray[Any], columns: Sequence[str], measure: str, seed: int
) -> list[dict[str, Any]]:
    """[{"column", "measure", "loss"}], the column that is worth most first; the same every time.

    `rows` (n ≥ 1, columns) are encoded as for the trees, in the order of `columns`. `loss` is by how much `measure`
    ("accuracy": a share of rows; or "mae": in the target's unit) is worse with shuffled values, on average.
    """
    scoring = {"accuracy": "accuracy", "mae": "neg_mean_absolute_error"}[measure]
    some = np.random.default_rng(seed).permutation(len(rows))[:_ROWS]
    found = permutation_importance(
        trees, rows[some], targets[some], scoring=scoring, n_repeats=_ROUNDS, random_state=seed
    )
    named = zip(columns, found.importances_mean.tolist(), strict=True)
    ordered = sorted(named, key=lambda item: (-item[1], item[0]))
    return [{"column": column, "measure": measure, "loss": loss} for column, loss in ordered]
