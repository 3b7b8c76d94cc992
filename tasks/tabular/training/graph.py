"""From trained trees to the ONNX graph that is served, its preprocessing inside."""

from __future__ import annotations

import copy
import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from tasks.tabular.manifest import CATEGORIES, NUMBERS

# Of ONNX's own operators; what ONNX Runtime 1.32 and skl2onnx 1.20 have both.
_OPSET: Final = 17


def graph(columns: ColumnTransformer, trees: Any, numbers: int, categories: int) -> bytes:
    """The ONNX model of `columns`, which reads so many numbers and then categories, and `trees`, both fitted."""
    inputs: list[tuple[str, Any]] = []
    if numbers:
        inputs.append((NUMBERS, FloatTensorType([None, numbers])))
    if categories:
        inputs.append((CATEGORIES, StringTensorType([None, categories])))
    of_float32 = exact(trees)
    options = {id(of_float32): {"zipmap": False}} if hasattr(trees, "classes_") else {}
    with warnings.catch_warnings():
        # skl2onnx writes a truth value for a number, and protobuf warns of that.
        warnings.simplefilter("ignore", DeprecationWarning)
        made = to_onnx(
            Pipeline([("columns", columns), ("trees", of_float32)]),
            initial_types=inputs,
            options=options,
            target_opset={"": _OPSET, "ai.onnx.ml": 3},
        )
    # They come from a set, and the same trees are to be the same file.
    opsets = sorted(made.opset_import, key=lambda opset: opset.domain)
    del made.opset_import[:]
    made.opset_import.extend(opsets)
    serialized: bytes = made.SerializeToString()
    return serialized


def exact(trees: Any) -> Any:
    """A copy of `trees` that is the same function of float32 values with thresholds that are float32, and no offset.

    ONNX's trees have float32 alone. skl2onnx takes the nearest, which a value may lie between; for x of float32,
    x <= t is x <= the next float32 below t. A baseline that is much larger than what trees say would cost their last
    digits, so that of a regression is left to who reads the answer.
    """
    made = copy.deepcopy(trees)
    for iteration in made._predictors:
        for tree in iteration:
            tree.nodes["num_threshold"] = rounded_down(tree.nodes["num_threshold"])
    if not hasattr(made, "classes_"):
        made._baseline_prediction = np.zeros_like(made._baseline_prediction)
    return made


def rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is no larger, of each."""
    with np.errstate(over="ignore"):
        # What is beyond the largest float32 is infinite, and the next below that is the largest.
        nearest: NDArray[np.float32] = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)
