"""Evaluation: texts a second of the predictor that Evaluate uses, beside `transformers.pipeline` at its best.

Both answer the same 2,000 movie reviews with a model of DistilBERT's size, on all cores. The predictor reads one text
per core at a time; what batches would give instead is measured too: their speed, and how many answers they change.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoConfig, pipeline

from bench.model import MAX_LENGTH, Model, distilbert
from bench.report import Cell, Result, Table, Target
from domain.artifact import MODEL, OUTPUT, TOKENIZER
from ops.reviews import rotten_tomatoes
from serving.predictor import Predictor

TEXTS: Final = 2_000
# Enough to choose the baseline's batch size by.
_SAMPLE: Final = 200
_PIPELINE_BATCHES: Final = (1, 4, 8, 16, 32, 64)
_OUR_BATCHES: Final = (8, 32)
_GEMM: Final = 2048
_KINDS: Final = {
    "int8 products, with quantizing their inputs": (
        "DynamicQuantizeLinear",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
    ),
    "attention in fp32": ("FusedMatMul", "MatMul", "Softmax", "Transpose", "Where"),
    "normalization and activation": ("Gelu", "LayerNormalization", "SkipLayerNormalization"),
}
_REST: Final = "the rest"
_CORES: Final = os.cpu_count() or 1

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Speed:
    """Texts a second, the median of some rounds, and the slowest and the fastest of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, work: Callable[[], object], texts: int, rounds: int) -> Speed:
        """The speed of `work`, which answers that many texts."""
        seconds = [_seconds(work) for _ in range(rounds)]
        return cls(texts / statistics.median(seconds), texts / max(seconds), texts / min(seconds))


def run(*, full: bool) -> Result:
    """The part `evaluate`: minutes on two cores."""
    rounds = 5 if full else 3
    model = distilbert()
    texts = [text for text, _ in rotten_tomatoes()[:TEXTS]]
    predictor = Predictor.load(model.artifact, threads=_CORES)
    batch, baseline = _pipeline_speed(model, texts, 3 if full else 1)
    ours = Speed.of(lambda: predictor.predict(texts), len(texts), rounds)
    batched = {size: _batched(model, texts, size, rounds) for size in _OUR_BATCHES}
    alone = predictor.scores(texts)
    peak, used = gemm_peak(), _macs_per_token(model) * _tokens(model, texts) / len(texts) * ours.median
    rows = [
        (f"transformers.pipeline, fp32, batches of {batch} (its best)", *_cells(baseline, baseline), None, None),
        ("ours: int8, a text per core", *_cells(ours, baseline), 0, 0.0),
        *(
            (
                f"int8, length-sorted batches of {size}",
                *_cells(speed, baseline),
                int(np.sum(scores.argmax(1) != alone.argmax(1))),
                float(np.abs(scores - alone).max()),
            )
            for size, (speed, scores) in batched.items()
        ),
    ]
    columns = ("", "texts/s", "slowest", "fastest", "× pipeline", "labels changed", "largest change of a probability")
    notes = (
        f"{len(texts):,} Rotten Tomatoes sentences, {_tokens(model, texts) / len(texts):.0f} tokens each on average, "
        f"{_CORES} cores; the pipeline's batch size is the fastest of {', '.join(map(str, _PIPELINE_BATCHES))}",
        "changes: against the same text answered alone. Dynamic quantization scales a whole batch by its largest value",
        f"int8 products: {used / 1e9:.0f} billion multiply-adds a second, {used / peak:.0%} of the {peak / 1e9:.0f} "
        f"billion that onnxruntime reaches in a product of {_GEMM} × {_GEMM} matrices on all cores",
    )
    return Result(
        "Evaluation",
        [Table("Texts a second", columns, rows, notes), _profile(model, round(_tokens(model, texts) / len(texts)))],
        [Target.at_least("evaluation against transformers.pipeline", 5, ours.median / baseline.median, "×")],
        {"texts_per_second": ours.median, "ratio": ours.median / baseline.median, "share_of_int8_peak": used / peak},
    )


def _profile(model: Model, tokens: int) -> Table:
    """Where the time of a text of so many tokens goes on one core, alone and in a batch of like texts."""
    sizes = (1, max(_OUR_BATCHES))
    spent = [_milliseconds(model, tokens, size) for size in sizes]
    rows: list[list[Cell]] = [[name, *(kinds[name] for kinds in spent)] for name in (*_KINDS, _REST)]
    rows.append(["together", *(sum(kinds.values()) for kinds in spent)])
    columns = ("", "alone", f"in a batch of {sizes[-1]}")
    note = (
        "alone, every text brings all weights from memory to the core for a few rows of a matrix; a batch brings them "
        "once, but shares one quantization scale among its texts"
    )
    return Table(
        f"Milliseconds a text of {tokens} tokens on one core, as onnxruntime profiles them", columns, rows, (note,)
    )


def _milliseconds(model: Model, tokens: int, size: int, runs: int = 20) -> dict[str, float]:
    """Mean milliseconds a text by kind of operator, in batches of `size`."""
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        session = ort.InferenceSession(str(model.artifact / MODEL), options, providers=["CPUExecutionProvider"])
        ids = np.random.default_rng(0).integers(1000, 20_000, (size, tokens))
        for _ in range(runs):
            session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        events = json.loads(Path(session.end_profiling()).read_bytes())
    spent = dict.fromkeys((*_KINDS, _REST), 0.0)
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            operator = event["args"]["op_name"]
            kind = next((name for name, operators in _KINDS.items() if operator in operators), _REST)
            spent[kind] += event["dur"] / 1000 / runs / size
    return spent


def gemm_peak(rounds: int = 7) -> float:
    """int8 multiply-adds a second of one large square product on all cores, the best of some rounds."""
    weights = onnx.numpy_helper.from_array(
        np.random.default_rng(0).integers(-64, 64, (_GEMM, _GEMM), np.int8, endpoint=True), "weights"
    )
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMulInteger", ["left", "weights"], ["product"])],
        "peak",
        [onnx.helper.make_tensor_value_info("left", onnx.TensorProto.UINT8, [_GEMM, _GEMM])],
        [onnx.helper.make_tensor_value_info("product", onnx.TensorProto.INT32, [_GEMM, _GEMM])],
        [weights],
    )
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = _session(proto.SerializeToString())
    left = np.random.default_rng(1).integers(0, 256, (_GEMM, _GEMM), np.uint8)
    return _GEMM**3 / min(_seconds(lambda: session.run(None, {"left": left})) for _ in range(rounds))


def _pipeline_speed(model: Model, texts: Sequence[str], rounds: int) -> tuple[int, Speed]:
    """The pipeline's best batch size, by a sample, and its speed on all texts with that size."""
    classify = pipeline("text-classification", str(model.checkpoint), device="cpu", truncation=True)
    torch.set_num_threads(_CORES)
    sample = list(texts[:: len(texts) // _SAMPLE])
    classify(sample[:8])
    took = {size: _seconds(partial(classify, sample, batch_size=size)) for size in _PIPELINE_BATCHES}
    best = min(took, key=lambda size: took[size])
    return best, Speed.of(lambda: classify(list(texts), batch_size=best), len(texts), rounds)


def _batched(model: Model, texts: Sequence[str], size: int, rounds: int) -> tuple[Speed, Probabilities]:
    """Speed and probabilities, in the order of `texts`, of the artifact's graph on batches of like length."""
    session = _session(str(model.artifact / MODEL))
    tokenizer = _tokenizer(model)
    tokenizer.enable_padding()
    names = [tensor.name for tensor in session.get_inputs()]

    def answer() -> Probabilities:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        logits = np.empty((len(texts), session.get_outputs()[0].shape[1]), np.float32)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            encodings = tokenizer.encode_batch_fast([texts[place] for place in chosen])
            columns = {
                "input_ids": np.array([encoding.ids for encoding in encodings], np.int64),
                "attention_mask": np.array([encoding.attention_mask for encoding in encodings], np.int64),
            }
            logits[chosen] = session.run([OUTPUT], {name: columns[name] for name in names})[0]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)

    return Speed.of(answer, len(texts), rounds), answer()


def _macs_per_token(model: Model) -> float:
    """int8 multiply-adds per token: in each layer four products of width², two of 4 · width² (Vaswani et al. 2017).

    Attention's own products are of two computed tensors and stay in fp32.
    """
    config = AutoConfig.from_pretrained(model.checkpoint)
    return float(config.n_layers * (4 * config.dim**2 + 2 * config.dim * config.hidden_dim))


def _tokens(model: Model, texts: Sequence[str]) -> int:
    return sum(len(encoding.ids) for encoding in _tokenizer(model).encode_batch_fast(list(texts)))


def _tokenizer(model: Model) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(model.artifact / TOKENIZER))
    tokenizer.enable_truncation(MAX_LENGTH)
    return tokenizer


def _session(graph: str | bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = _CORES
    options.log_severity_level = 3
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _cells(speed: Speed, baseline: Speed) -> tuple[float, float, float, float]:
    return speed.median, speed.least, speed.most, speed.median / baseline.median


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
