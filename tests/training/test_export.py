from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from transformers import AutoModelForSequenceClassification, set_seed

from domain.errors import ParityFailed
from tasks.text.training.export import Encoded, export, inputs_of, prove
from tests.tiny_model import tiny_tokenizer
from tests.training.job import reviews

INPUTS = ("input_ids", "attention_mask")


@dataclass(frozen=True)
class Exported:
    checkpoint: Path
    fp32: Path
    int8: Path
    rows: list[Encoded]


@pytest.fixture(scope="module")
def exported(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    set_seed(0)
    checkpoint = tmp_path_factory.mktemp("checkpoint")
    AutoModelForSequenceClassification.from_pretrained(base, num_labels=3).save_pretrained(checkpoint)
    encodings = tiny_tokenizer().encode_batch([item["features"]["text"] for item in reviews(100, seed=5)])
    rows = [
        {"input_ids": np.array([item.ids], np.int64), "attention_mask": np.array([item.attention_mask], np.int64)}
        for item in encodings
    ]
    fp32, int8 = export(checkpoint, INPUTS, tmp_path_factory.mktemp("onnx"))
    return Exported(checkpoint, fp32, int8, rows)


def with_weights(path: Path, into: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """A copy of a graph with its largest matrix changed."""
    graph = onnx.load(path)
    largest = max(graph.graph.initializer, key=lambda tensor: numpy_helper.to_array(tensor).size)
    largest.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(largest)), largest.name))
    onnx.save(graph, into)
    return into


def test_a_faithful_export_passes(exported: Exported) -> None:
    parity = prove(exported.checkpoint, exported.fp32, exported.int8, exported.rows, min_agreement=0.9)
    assert parity.onnx_difference <= 1e-5
    assert parity.int8_agreement >= 0.9
    assert len(parity.guesses) == len(exported.rows)
    assert parity.to_json()["rows"] == 100


def test_a_sample_of_many_rows_is_compared_row_by_row(exported: Exported) -> None:
    rows = (exported.rows * 14)[:1337]
    parity = prove(exported.checkpoint, exported.fp32, exported.int8, rows, min_agreement=0.9)
    assert parity.onnx_difference <= 1e-5
    assert len(parity.rows) == len(set(parity.rows)) == len(parity.guesses) == 1000
    assert parity.rows[-1] < len(rows)


def test_a_graph_with_other_weights_fails(exported: Exported, tmp_path: Path) -> None:
    other = with_weights(exported.fp32, tmp_path / "other.onnx", lambda weights: weights * np.float32(1.01))
    with pytest.raises(ParityFailed, match="ONNX logits differ from PyTorch's by"):
        prove(exported.checkpoint, other, exported.int8, exported.rows, min_agreement=0.0)


def test_a_graph_that_gives_nan_fails(exported: Exported, tmp_path: Path) -> None:
    broken = with_weights(exported.fp32, tmp_path / "nan.onnx", lambda weights: weights * np.float32("nan"))
    with pytest.raises(ParityFailed, match="differ from PyTorch's by nan"):
        prove(exported.checkpoint, broken, exported.int8, exported.rows, min_agreement=0.0)
    with pytest.raises(ParityFailed, match="the int8 model"):
        prove(exported.checkpoint, exported.fp32, broken, exported.rows, min_agreement=0.0)


def test_an_int8_graph_that_disagrees_fails(exported: Exported, tmp_path: Path) -> None:
    other = with_weights(exported.fp32, tmp_path / "other.onnx", lambda weights: weights[::-1].copy())
    with pytest.raises(ParityFailed, match=r"below int8_min_agreement = 90\.00%"):
        prove(exported.checkpoint, exported.fp32, other, exported.rows, min_agreement=0.9)


def test_a_model_that_sits_on_the_fence_passes(exported: Exported, tmp_path: Path) -> None:
    """Its labels tip with every rounding, which says nothing against the export: the gate will reject it."""
    model = AutoModelForSequenceClassification.from_pretrained(exported.checkpoint)
    with torch.no_grad():
        model.classifier.weight *= 1e-3
        model.classifier.bias.zero_()
    model.save_pretrained(tmp_path / "unsure")
    fp32, int8 = export(tmp_path / "unsure", INPUTS, tmp_path)
    backwards = with_weights(int8, tmp_path / "backwards.onnx", lambda weights: weights[::-1].copy())
    parity = prove(tmp_path / "unsure", fp32, backwards, exported.rows, min_agreement=0.97)
    assert parity.int8_agreement == 1
    assert parity.int8_same_label < 0.97


def test_weights_keep_to_seven_bits_per_channel(exported: Exported) -> None:
    """What the manifest promises as `reduce_range`, and what keeps CPUs without VNNI from saturating."""
    graph = onnx.load(exported.int8).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kinds = ("MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat")
    products = [node for node in graph.node if node.op_type in kinds]
    weights = [tensors[node.input[1]] for node in products if node.input[1] in tensors]
    assert len(weights) >= 12
    for weight in weights:
        assert weight.dtype == np.int8
        # Each output column has a scale of its own, so each comes close to the limit of 7 bits and none beyond.
        reach = np.abs(weight.astype(int)).max(axis=0)
        assert reach.max() <= 64
        assert np.median(reach) >= 60


def test_a_padded_batch_gives_what_its_rows_give(exported: Exported) -> None:
    import onnxruntime as ort

    session = ort.InferenceSession(str(exported.fp32), providers=["CPUExecutionProvider"])
    rows = exported.rows[:8]
    longest = max(row["input_ids"].shape[1] for row in rows)
    batch = {
        name: np.concatenate([np.pad(row[name], ((0, 0), (0, longest - row[name].shape[1]))) for row in rows])
        for name in INPUTS
    }
    alone = np.concatenate([session.run(None, row)[0] for row in rows])
    assert session.run(None, batch)[0] == pytest.approx(alone, abs=1e-5)


def test_inputs_are_in_the_contracts_order() -> None:
    assert inputs_of(["input_ids", "token_type_ids", "attention_mask"]) == (
        "input_ids",
        "attention_mask",
        "token_type_ids",
    )
    assert inputs_of(["attention_mask", "input_ids"]) == INPUTS
