"""ONNX Runtime as all tasks that serve a graph use it: without telemetry, one thread for each answer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from domain.artifact import ArtifactError

# Read when ONNX Runtime is imported, and 1 is the only value that counts: it would write below HOME at once, and report
# to Microsoft some ten seconds later.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

# ONNX Runtime's exceptions share no base class of their own.
FAULTS: Final = tuple(kind for kind in vars(runtime).values() if isinstance(kind, type) and issubclass(kind, Exception))


def options(*, extended: bool = False, machine: bool = False) -> Any:
    """Options of a session whose answers are computed in the thread that asks.

    The graph is run as it was saved; if it is to be `extended`, it is optimized first as far as any machine may, and
    if `machine`, for this one.
    """
    made = ort.SessionOptions()
    # Our threads, not the runtime's, which would spin while they wait.
    made.intra_op_num_threads = 1
    made.inter_op_num_threads = 1
    made.log_severity_level = 3
    levels = ort.GraphOptimizationLevel
    level = levels.ORT_ENABLE_EXTENDED if extended else levels.ORT_DISABLE_ALL
    made.graph_optimization_level = levels.ORT_ENABLE_ALL if machine else level
    return made


def session(path: Path, chosen: Any) -> Any:
    """The graph at `path`, ready to run with these options. Raises ArtifactError."""
    try:
        return ort.InferenceSession(str(path), chosen, providers=["CPUExecutionProvider"])
    except FAULTS as error:
        raise ArtifactError(f"{path.name} cannot be loaded: {error}") from error
