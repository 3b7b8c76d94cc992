"""From the trained PyTorch model to the int8 ONNX graph that is served, and the proof that they agree."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# Read when it is imported: it would tell Microsoft of the machine, and write below $HOME.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from domain.artifact import MODEL, WEIGHTS
from domain.errors import ParityFailed
from tasks.text.manifest import INPUTS, OUTPUT

Encoded = dict[str, NDArray[np.int64]]

# Of logits.
MAX_DIFFERENCE: Final = 1e-4
# Of probabilities: several times what int8 shifts them by on average.
TIE: Final = 0.1
_OPSET: Final = 17
# Enough rows to see a broken graph; all of a large validation split would take longer than the training.
_LOGIT_ROWS: Final = 64
_LABEL_ROWS: Final = 1000


@dataclass(frozen=True)
class Parity:
    """How close the exported graphs are. `guesses` are the int8 graph's label indices of the rows `rows`.

    `int8_agreement` is the share of rows with the same label from fp32 and int8, ties of fp32 counted as the same;
    `int8_same_label` does without that allowance.
    """

    onnx_difference: float
    int8_agreement: float
    int8_same_label: float
    rows: tuple[int, ...]
    guesses: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready summary."""
        return {
            "onnx_difference": self.onnx_difference,
            "int8_agreement": self.int8_agreement,
            "int8_same_label": self.int8_same_label,
            "rows": len(self.rows),
        }


def inputs_of(names: Sequence[str]) -> tuple[str, ...]:
    """The graph's inputs for a tokenizer's `model_input_names`, in the contract's order."""
    return tuple(name for name in INPUTS if name in names)


def export(checkpoint: Path, inputs: Sequence[str], into: Path) -> tuple[Path, Path]:
    """Export the model saved in `checkpoint` below `into`; returns the paths of the fp32 and the int8 graph.

    The latter names the file WEIGHTS beside itself for its large tensors.
    """
    fp32, quantized, int8 = into / "fp32.onnx", into / "quantized.onnx", into / "int8" / MODEL
    _to_onnx(_load(checkpoint), inputs, fp32)
    # Weights in 7 bits: without VNNI, ONNX Runtime adds pairs of u8*s8 products in 16 bits, and 8-bit ones saturate.
    quantize_dynamic(fp32, quantized, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    save_optimized(quantized, int8)
    return fp32, int8


def prove(checkpoint: Path, fp32: Path, int8: Path, rows: Sequence[Encoded], min_agreement: float) -> Parity:
    """Compare the graphs with the checkpoint on `rows` (arrays of shape (1, tokens)), one at a time as serving does.

    Raises ParityFailed if fp32 differs from PyTorch by more than MAX_DIFFERENCE in a logit, or if int8 and fp32 agree
    on the label of less than `min_agreement` of the rows. Where fp32 gives int8's label as much probability as its
    own, within TIE, they agree: a model that learned nothing sits on the fence on every row, and is for the gate to
    reject, not for this check of the export.
    """
    chosen = _spread(len(rows), _LABEL_ROWS)
    exact = _run(fp32, [rows[row] for row in chosen])
    served = _run(int8, [rows[row] for row in chosen])
    model = _load(checkpoint)
    compared = _spread(len(chosen), _LOGIT_ROWS)
    reference = np.concatenate([_torch_logits(model, rows[chosen[place]]) for place in compared])
    difference = float(np.abs(reference - exact[compared]).max())
    guesses = served.argmax(axis=1)
    probabilities = np.exp(exact - exact.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    lost = probabilities.max(axis=1) - probabilities[np.arange(len(guesses)), guesses]
    agreement, same_label = float(np.mean(lost <= TIE)), float(np.mean(guesses == exact.argmax(axis=1)))
    # Written so that a NaN fails.
    if not difference <= MAX_DIFFERENCE:
        raise ParityFailed(
            f"ONNX logits differ from PyTorch's by {difference:.1e}, more than {MAX_DIFFERENCE:.0e}: "
            "the exporter cannot trace this model. Choose another base_model"
        )
    if not (np.isfinite(served).all() and agreement >= min_agreement):
        raise ParityFailed(
            f"the int8 model agrees with fp32 on {agreement:.2%} of {len(chosen)} validation rows, "
            f"below int8_min_agreement = {min_agreement:.2%}. Choose another base_model, or lower that setting"
        )
    return Parity(difference, agreement, same_label, tuple(chosen), tuple(int(label) for label in guesses))


class _Logits(torch.nn.Module):
    """The exporter wants positional inputs and one tensor out."""

    def __init__(self, model: PreTrainedModel, inputs: Sequence[str]) -> None:
        super().__init__()
        self.model, self.inputs = model, tuple(inputs)

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self.inputs, tensors, strict=True)), return_dict=False)[0]
        return logits


def _load(checkpoint: Path) -> PreTrainedModel:
    # Eager attention: the exporter cannot trace the fused kernels faithfully.
    model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, attn_implementation="eager", dtype=torch.float32
    )
    return model.eval()


def _to_onnx(model: PreTrainedModel, inputs: Sequence[str], path: Path) -> None:
    shape = {0: "batch", 1: "sequence"}
    with warnings.catch_warnings():
        # The TorchScript exporter warns that it is one, and of every shape that the model's code looks at; what it
        # traced is proved on real rows of many lengths.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Logits(model, inputs).eval(),
            tuple(torch.ones(2, 8, dtype=torch.int64) for _ in inputs),
            str(path),
            input_names=list(inputs),
            output_names=[OUTPUT],
            dynamic_axes={**dict.fromkeys(inputs, shape), OUTPUT: {0: "batch"}},
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


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # EXTENDED is the highest level without anything of this machine in the graph.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _run(path: Path, rows: Sequence[Encoded]) -> NDArray[np.float32]:
    session = ort.InferenceSession(str(path), _options(), providers=["CPUExecutionProvider"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(lambda row: session.run([OUTPUT], row)[0], rows)))


def _torch_logits(model: PreTrainedModel, row: Encoded) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits: NDArray[np.float32] = model(**{name: torch.from_numpy(ids) for name, ids in row.items()}).logits.numpy()
    return logits


def _spread(total: int, most: int) -> list[int]:
    """Up to `most` of the indices below `total`, evenly spread."""
    return [index * total // most for index in range(most)] if total > most else list(range(total))
