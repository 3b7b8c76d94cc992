"""The predictor says what PyTorch says, the same for a text whatever it is asked together with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from domain.artifact import MODEL, WEIGHTS, ArtifactError
from tasks.contract import PredictionError
from tasks.text.manifest import INPUTS
from tasks.text.model import Function
from tasks.text.predict import Predictor
from tests.serving.conftest import LABELS
from tests.text_model import load
from tests.tiny_model import MAX_LENGTH, tiny_artifact, tiny_classifier, tiny_tokenizer

TEXTS = [
    "this film is great",
    "a dull, awful movie and not very good",
    "",
    "The plot was thin... but the rest? Wonderful! " * 3,
    "ünïcödé 電影 \u0000 \U0001f600",
    "good " * 500,
]
# In probability; measured 1e-7 and 0.012.
FP32_TOLERANCE, INT8_TOLERANCE = 1e-5, 0.05


def by_pytorch(texts: list[str], seed: int = 0) -> NDArray[np.float32]:
    """Probabilities by the PyTorch model that the artifacts here are made of."""
    tokenizer, model = tiny_tokenizer(), tiny_classifier(len(LABELS), seed)
    tokenizer.enable_truncation(MAX_LENGTH)
    with torch.inference_mode():
        rows = [model(input_ids=torch.tensor([tokenizer.encode(text).ids])).logits.softmax(-1) for text in texts]
    return torch.cat(rows).numpy()


@pytest.mark.parametrize("inputs", [INPUTS[:2], INPUTS])
def test_fp32_agrees_with_pytorch(tmp_path: Path, inputs: tuple[str, ...]) -> None:
    tiny_artifact(tmp_path / "tiny", LABELS, inputs=inputs, int8=False)
    scores = load(tmp_path / "tiny" / "model").scores(TEXTS)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, by_pytorch(TEXTS), rtol=0, atol=FP32_TOLERANCE)


def test_int8_agrees_with_pytorch(predictor: Predictor) -> None:
    exact = by_pytorch(TEXTS)
    np.testing.assert_allclose(predictor.scores(TEXTS), exact, rtol=0, atol=INT8_TOLERANCE)
    # The tolerance is worth something only if the texts differ by more.
    assert np.ptp(exact, axis=0).max() > 2 * INT8_TOLERANCE


@pytest.mark.parametrize("most", [3, 4, 9, 62, 63, 64, 1000])
def test_a_client_may_have_less_read(predictor: Predictor, most: int) -> None:
    """The same tokens as by the tokenizer's own limit, which all threads share."""
    tokenizer = tiny_tokenizer()
    tokenizer.enable_truncation(min(most, MAX_LENGTH))
    for text, found in zip(TEXTS, predictor.encode(TEXTS, most), strict=True):
        expected = tokenizer.encode(text)
        assert found.inputs["input_ids"].tolist() == [expected.ids]
        assert found.inputs["attention_mask"].tolist() == [expected.attention_mask]
        assert found.truncated == bool(expected.overflowing)
        assert found.tokens == len(expected.ids)


def test_scores_are_what_the_function_makes_of_the_logits(predictor: Predictor) -> None:
    def scores(function: Function) -> NDArray[np.float64]:
        found = predictor.read(predictor.encode(TEXTS), None, function).predictions
        return np.array([[dict(each)[label] for label in LABELS] for each in found])

    logits = scores("none")
    np.testing.assert_allclose(scores("sigmoid"), 1 / (1 + np.exp(-logits)), atol=1e-6)
    np.testing.assert_allclose(scores("softmax"), predictor.scores(TEXTS), atol=1e-6)
    powers = np.exp(logits)
    np.testing.assert_allclose(scores("softmax"), powers / powers.sum(axis=1, keepdims=True), atol=1e-6)
    best = [found[0].label for found in predictor.read(predictor.encode(TEXTS), 1, "none").predictions]
    assert best == [found[0].label for found in predictor.predict(TEXTS)]


def test_an_answer_does_not_depend_on_its_neighbours_nor_on_threads(predictor: Predictor, model_dir: Path) -> None:
    texts = [f"{text} {number}" for number in range(20) for text in TEXTS]
    together = predictor.scores(texts)
    alone = np.concatenate([predictor.scores([text]) for text in texts])
    in_parallel = load(model_dir, threads=2).scores(texts)
    assert np.array_equal(together, alone)
    assert np.array_equal(together, in_parallel)


def test_answers_the_likeliest_labels_first(predictor: Predictor) -> None:
    scores = predictor.scores(TEXTS)
    for top_k, count in [(1, 1), (2, 2), (99, 3), (None, 3)]:
        for row, predictions in zip(scores, predictor.predict(TEXTS, top_k), strict=True):
            assert len(predictions) == count
            assert [p.score for p in predictions] == sorted(row.tolist(), reverse=True)[:count]
            assert all(row[LABELS.index(p.label)] == np.float32(p.score) for p in predictions)
    assert scores.sum(axis=1) == pytest.approx(1)


def test_a_bias_decides_the_answer(tmp_path: Path) -> None:
    tiny_artifact(tmp_path / "tiny", LABELS, bias=[0, 10, 0])
    assert {best[0].label for best in load(tmp_path / "tiny" / "model").predict(TEXTS)} == {"neutral"}


def test_reports_what_it_did_not_read(predictor: Predictor) -> None:
    exactly, over = "good " * (MAX_LENGTH - 2), "good " * (MAX_LENGTH - 1)
    # Mere spaces make no tokens, but so many that they are cut before they are looked at.
    spaces = "good" + " " * 10_000
    assert predictor.truncated([exactly, over, "", spaces]) == [False, True, False, True]
    assert predictor.answer([over, exactly]).truncated == [True, False]


def test_no_texts_no_answers(predictor: Predictor) -> None:
    assert predictor.scores([]).shape == (0, len(LABELS))
    assert predictor.predict([]) == []


def test_refuses_a_model_that_is_not_the_manifests(edited: Callable[..., Path]) -> None:
    directory = edited(inputs=list(INPUTS))
    with pytest.raises(ArtifactError, match="the manifest says"):
        load(directory)


def test_refuses_a_changed_or_missing_model(edited: Callable[..., Path]) -> None:
    directory = edited()
    with (directory / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ArtifactError, match="checksum"):
        load(directory)
    (directory / "model.onnx").unlink()
    with pytest.raises(ArtifactError, match="missing"):
        load(directory)


def test_refuses_changed_weights(edited: Callable[..., Path]) -> None:
    directory = edited()
    weights = bytearray((directory / WEIGHTS).read_bytes())
    weights[0] ^= 1
    (directory / WEIGHTS).write_bytes(weights)
    with pytest.raises(ArtifactError, match=f"{WEIGHTS} does not have the checksum"):
        load(directory)


def test_refuses_a_model_with_weights_elsewhere(edited: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(bytes(2**20))
    graph = onnx.load_model_from_string((edited() / MODEL).read_bytes())
    (tmp_path / "edited").rename(tmp_path / "first")
    for tensor in graph.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../weights"
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load(edited(onnx=graph.SerializeToString()))


def test_refuses_a_model_that_is_none(edited: Callable[..., Path]) -> None:
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load(edited(onnx=b"no graph"))


def test_a_model_for_other_labels_is_our_fault(edited: Callable[..., Path]) -> None:
    with pytest.raises(PredictionError, match="shape"):
        load(edited(labels=["one", "two"])).predict(["text"])


def test_an_output_that_is_not_finite_is_our_fault(tmp_path: Path) -> None:
    tiny_artifact(tmp_path / "tiny", LABELS, bias=[0, float("nan"), 0])
    with pytest.raises(PredictionError, match="finite"):
        load(tmp_path / "tiny" / "model").predict(["text"])


@pytest.mark.parametrize("reduce_range", [True, False])
def test_int8_products_do_not_saturate(edited: Callable[..., Path], tmp_path: Path, reduce_range: bool) -> None:
    # Every product is the largest there is. With 8-bit weights a CPU with AVX2 but without VNNI adds two of them to
    # 16 bits and gets about half of what is right, unless the session is told to do without that instruction.
    directory = edited(onnx=largest_products(tmp_path, reduce_range), reduce_range=reduce_range, labels=["no", "yes"])
    (scores,) = load(directory).scores(["a film"])
    assert np.log(scores[1] / scores[0]) == pytest.approx(1.0, abs=0.02)


def largest_products(folder: Path, reduce_range: bool) -> bytes:
    """An int8 graph whose logits are 0 and 1, each the mean of 256 equal products, whatever the text."""
    weights = np.full((256, 2), 1 / 256, np.float32) * np.array([0, 1], np.float32)
    text = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["ones"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["ones"], ["one"], axes=[1], keepdims=1),
        helper.make_node("Expand", ["one", "shape"], ["wide"]),
        helper.make_node("MatMul", ["wide", "weights"], ["logits"]),
    ]
    constants = [
        helper.make_tensor("shape", TensorProto.INT64, [2], [1, 256]),
        helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.flatten()),
    ]
    graph = helper.make_graph(nodes, "largest", [text, mask], [logits], constants)
    exact, int8 = folder / "exact.onnx", folder / "int8.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), exact)
    quantize_dynamic(exact, int8, weight_type=QuantType.QInt8, per_channel=True, reduce_range=reduce_range)
    return int8.read_bytes()
