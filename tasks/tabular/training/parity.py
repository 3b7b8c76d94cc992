"""Whether what is served answers as what was trained."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import ParityFailed

# Of probabilities; of numbers, in standard deviations of the truths.
MAX_DIFFERENCE: Final = 1e-5
_ROUNDING: Final = float(np.finfo(np.float32).eps) / 2


def probabilities(trained: NDArray[np.float64], served: NDArray[np.float32]) -> dict[str, Any]:
    """The largest difference of any probability (rows, labels), and the share of rows with the same label.

    A label that is as likely as the other within the rounding is the same. Raises ParityFailed.
    """
    difference = float(np.abs(trained - served).max())
    best = served.argmax(axis=1)
    lost = trained.max(axis=1) - trained[np.arange(len(best)), best]
    same = float(np.mean(lost <= 2 * MAX_DIFFERENCE))
    # Written so that a NaN fails.
    if not (difference <= MAX_DIFFERENCE and same == 1.0):
        raise ParityFailed(
            f"ONNX probabilities differ from scikit-learn's by {difference:.1e}, more than {MAX_DIFFERENCE:.0e}, and "
            f"{same:.2%} of labels are the same: the trees were not converted as they are"
        )
    return {"onnx_difference": difference, "same_label": same, "rows": len(best)}


def numbers(
    trained: NDArray[np.float64], served: NDArray[np.float64], offset: float, scale: float, trees: int
) -> dict[str, Any]:
    """The largest difference of any number (rows,), in `scale`, the standard deviation of the truths.

    Each of the `trees` is added to what those before it say beside the `offset`, and the sum rounded. Raises
    ParityFailed.
    """
    differences = np.abs(trained - served)
    allowed = MAX_DIFFERENCE * scale + _ROUNDING * trees * np.abs(trained - offset)
    off = float(differences.max() / scale) if scale else float(differences.max())
    if not (differences <= allowed).all():
        raise ParityFailed(
            f"ONNX numbers differ from scikit-learn's by {off:.1e} of the standard deviation, more than "
            f"{MAX_DIFFERENCE:.0e} and what rounding explains: the trees were not converted as they are"
        )
    return {"onnx_difference": off, "rows": len(trained)}
