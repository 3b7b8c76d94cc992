"""From the trained PyTorch model to the ONNX graph that is served, and the proof that they agree.

It stays in float32: int8 made convolutions no faster on a CPU without VNNI, and the endpoint's is not known. A picture
of 224 x 224 took a ResNet-18 51 ms in float32, 49 in dynamic int8 and 73 in static; the small network of `base.py` 6.1,
9.6 and 13.3 ms, and of 28 x 28 0.26, 0.72 and 0.67 (ONNX Runtime 1.32.0, AMD EPYC with AVX2, one thread).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification, PreTrainedModel

from domain.artifact import MODEL
from domain.errors import ParityFailed
from tasks.image.manifest import OUTPUT, PIXELS, Reading
from tasks.image.model import PictureModel
from tasks.image.model import graph as loaded
from tasks.image.training.pictures import Normalized, Pictures, Pixels
from training import onnx_graph
from training.onnx_graph import LABEL_ROWS, LOGIT_ROWS, MAX_DIFFERENCE, spread


@dataclass(frozen=True)
class Parity:
    """How close the graph is to PyTorch. `guesses` are its label indices of the validation rows `rows`."""

    onnx_difference: float
    rows: tuple[int, ...]
    guesses: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready summary."""
        return {"onnx_difference": self.onnx_difference, "rows": len(self.rows)}


class Served(torch.nn.Module):
    """What is served: the model behind its normalization, of pixels of uint8."""

    def __init__(self, checkpoint: Path, reading: Reading) -> None:
        super().__init__()
        # Eager attention: the exporter cannot trace the fused kernels faithfully.
        model: PreTrainedModel = AutoModelForImageClassification.from_pretrained(
            checkpoint, attn_implementation="eager", dtype=torch.float32
        )
        self.model, self.normalized = model, Normalized(reading.image_mean, reading.image_std)
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits."""
        logits: torch.Tensor = self.model(self.normalized(pixels), return_dict=False)[0]
        return logits


def export(checkpoint: Path, reading: Reading, into: Path) -> Path:
    """Export the model saved in `checkpoint` below `into`; returns the path of the graph that is served.

    It names the file WEIGHTS beside itself for its large tensors.
    """
    raw, served, side = into / "raw.onnx", into / "served" / MODEL, reading.image_size
    examples = (torch.zeros(2, side, side, 3, dtype=torch.uint8),)
    onnx_graph.export(Served(checkpoint, reading), examples, [PIXELS], OUTPUT, {0: "batch"}, raw)
    onnx_graph.save_optimized(raw, served)
    return served


def prove(checkpoint: Path, graph: Path, reading: Reading, pictures: Pictures) -> Parity:
    """Compare the graph, as serving runs it, with the checkpoint on validation pictures.

    Raises ParityFailed if a logit differs by more than MAX_DIFFERENCE, of what is larger: 1 or that logit.
    """
    chosen = spread(len(pictures), LABEL_ROWS)
    model = PictureModel(loaded(graph), reading, os.cpu_count() or 1)
    found = model.run(chosen, pictures.seen)
    compared, trained = spread(len(chosen), LOGIT_ROWS), Served(checkpoint, reading)
    expected = np.concatenate([_logits(trained, pictures.seen(chosen[place])) for place in compared])
    difference = float((np.abs(expected - found[compared]) / np.maximum(1, np.abs(expected))).max())
    # Written so that a NaN fails.
    if not difference <= MAX_DIFFERENCE:
        raise ParityFailed(
            f"ONNX logits differ from PyTorch's by {difference:.1e}, more than {MAX_DIFFERENCE:.0e}: "
            "the exporter cannot trace this model. Choose another base_model"
        )
    return Parity(difference, tuple(chosen), tuple(int(label) for label in found.argmax(axis=1)))


def _logits(model: Served, picture: Pixels) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits: NDArray[np.float32] = model(torch.from_numpy(picture[np.newaxis].copy())).numpy()
    return logits
