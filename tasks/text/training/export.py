"""From the trained PyTorch model to the int8 ONNX graph that is served, and the proof that they agree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# Read when ONNX Runtime is imported: it would tell Microsoft of the machine, and write below $HOME.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from domain.artifact import MODEL
from domain.errors import ParityFailed
from tasks.text.manifest import INPUTS, OUTPUT
from training import onnx_graph
from training.onnx_graph import LABEL_ROWS, LOGIT_ROWS, MAX_DIFFERENCE, run, spread

Encoded = dict[str, NDArray[np.int64]]

# Of probabilities: several times what int8 shifts them by on average.
TIE: Final = 0.1


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
    examples = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in inputs)
    onnx_graph.export(_Logits(_load(checkpoint), inputs), examples, inputs, OUTPUT, {0: "batch", 1: "sequence"}, fp32)
    # Weights in 7 bits: without VNNI, ONNX Runtime adds pairs of u8*s8 products in 16 bits, and 8-bit ones saturate.
    quantize_dynamic(fp32, quantized, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    onnx_graph.save_optimized(quantized, int8)
    return fp32, int8


def prove(checkpoint: Path, fp32: Path, int8: Path, rows: Sequence[Encoded], min_agreement: float) -> Parity:
    """Compare the graphs with the checkpoint on `rows` (arrays of shape (1, tokens)), one at a time as serving does.

    Raises ParityFailed if fp32 differs from PyTorch by more than MAX_DIFFERENCE in a logit, or if int8 and fp32 agree
    on the label of less than `min_agreement` of the rows. Where fp32 gives int8's label as much probability as its
    own, within TIE, they agree: a model that learned nothing sits on the fence on every row, and is for the gate to
    reject, not for this check of the export.
    """
    chosen = spread(len(rows), LABEL_ROWS)
    exact = run(fp32, OUTPUT, [rows[row] for row in chosen])
    served = run(int8, OUTPUT, [rows[row] for row in chosen])
    model = _load(checkpoint)
    compared = spread(len(chosen), LOGIT_ROWS)
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


def _torch_logits(model: PreTrainedModel, row: Encoded) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits: NDArray[np.float32] = model(**{name: torch.from_numpy(ids) for name, ids in row.items()}).logits.numpy()
    return logits
