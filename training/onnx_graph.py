"""A trained PyTorch model as an ONNX graph, saved as it is served, and what it answers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

# Read when it is imported: it would tell Microsoft of the machine, and write below $HOME.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from domain.artifact import WEIGHTS

# Of logits: by how much the graph may differ from PyTorch.
MAX_DIFFERENCE: Final = 1e-4
_OPSET: Final = 17
# Enough rows to see a broken graph; all of a large validation split would take longer than the training.
LOGIT_ROWS: Final = 64
LABEL_ROWS: Final = 1000


def export(
    model: torch.nn.Module,
    examples: tuple[torch.Tensor, ...],
    inputs: Sequence[str],
    output: str,
    sizes: Mapping[int, str],
    path: Path,
) -> None:
    """Write `model` (positional inputs, one tensor out) to `path`. `sizes` names the axes of an input that vary."""
    with warnings.catch_warnings():
        # The TorchScript exporter warns that it is one, and of every shape that the model's code looks at; what it
        # traced is proved on real rows.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            examples,
            str(path),
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes={**{name: dict(sizes) for name in inputs}, output: {0: sizes[0]}},
            opset_version=_OPSET,
            dynamo=False,
        )


def save_optimized(source: Path, target: Path) -> None:
    """Save the graph `source` as it is served: optimized as far as any machine may, its large tensors in WEIGHTS."""
    target.parent.mkdir(exist_ok=True)
    options = _options()
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
    # ONNX Runtime's fused kernel takes five times as long as the sum and the normalization that it replaces: 0.5 ms of
    # the 5.9 that a text of 27 tokens took with DistilBERT's size (1.32.0, x86_64 with AVX-512, one thread).
    slower = ["SkipLayerNormFusion"]
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"], disabled_optimizers=slower)


def run(path: Path, output: str, rows: Sequence[Mapping[str, NDArray[Any]]]) -> NDArray[np.float32]:
    """What the graph answers each of `rows` (its inputs by name, of one row), one at a time as serving does."""
    session = ort.InferenceSession(str(path), _options(), providers=["CPUExecutionProvider"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(lambda row: session.run([output], row)[0], rows)))


def spread(total: int, most: int) -> list[int]:
    """Up to `most` of the indices below `total`, evenly spread."""
    return [index * total // most for index in range(most)] if total > most else list(range(total))


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # EXTENDED is the highest level without anything of this machine in the graph.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options
