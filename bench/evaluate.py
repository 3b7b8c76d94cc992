"""Evaluation: texts a second of the predictor that Evaluate uses, beside `transformers.pipeline`.

Both answer the same 2,000 movie reviews with a model of DistilBERT's size, on all cores. The predictor reads one text
per core at a time; what batches would give instead is measured too: their speed, and how many answers they change. The
pipeline has its best batch size, and once more with texts that somebody sorted by length for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoConfig, pipeline

from bench.model import MAX_LENGTH, Model, distilbert, text_model
from bench.profile import milliseconds
from bench.report import Result, Table, Target
from domain.artifact import MODEL
from ops.reviews import rotten_tomatoes
from tasks.text.manifest import OUTPUT, TOKENIZER

TEXTS: Final = 2_000
# Enough to choose the baseline's batch size by.
_SAMPLE: Final = 200
_PIPELINE_BATCHES: Final = (1, 4, 8, 16, 32, 64)
_OUR_BATCHES: Final = (8, 32)
_GEMM: Final = 2048
_CORES: Final = os.cpu_count() or 1

_MISSED: Final = (
    "two thirds of a text's time are int8 products of a few rows with all weights, 42 MB that pass the core's cache "
    "for each text; batches share them, and change answers by the company a text is in (docs/decisions/16)"
)

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Way:
    """A way to answer all texts: `answer` does, and returns the probabilities if they are to be compared."""

    name: str
    answer: Callable[[], Probabilities | None]


def run(*, full: bool) -> Result:
    """The part `evaluate`: minutes on two cores."""
    rounds = 5 if full else 2
    model = distilbert()
    texts = [text for text, _ in rotten_tomatoes()[:TEXTS]]
    predictor = text_model(model.artifact, threads=_CORES)
    baseline, sorted_baseline = _pipelines(model, texts)
    ours = Way("ours: int8, a text per core", lambda: predictor.scores(texts))
    ways = [baseline, sorted_baseline, ours, *_batched(model, texts)]
    speeds, answers = _measure(ways, len(texts), rounds)
    ratios = {
        # Each round against the baseline's of the same round: neighbours on the machine come and go.
        way.name: median(own / its for own, its in zip(speeds[way.name], speeds[baseline.name], strict=True))
        for way in ways
    }
    rows = []
    for way in ways:
        of_rounds, scores = speeds[way.name], answers[way.name]
        changed: tuple[int | None, float | None] = (None, None)
        if scores is not None and (alone := answers[ours.name]) is not None:
            changed = int(np.sum(scores.argmax(1) != alone.argmax(1))), float(np.abs(scores - alone).max())
        rows.append((way.name, median(of_rounds), min(of_rounds), max(of_rounds), ratios[way.name], *changed))
    tokens = _tokens(model, texts) / len(texts)
    peak, used = gemm_peak(), _macs_per_token(model) * tokens * median(speeds[ours.name])
    columns = ("", "texts/s", "slowest", "fastest", "× pipeline", "labels changed", "largest change of a probability")
    notes = (
        f"{len(texts):,} Rotten Tomatoes sentences, {tokens:.0f} tokens each on average, {_CORES} cores, "
        f"{rounds} rounds in turns; the pipeline's batch size is the best of {', '.join(map(str, _PIPELINE_BATCHES))}",
        "changes: against the same text answered alone. Dynamic quantization scales a whole batch by its largest value",
        f"int8 products: {used / 1e9:.0f} billion multiply-adds a second, {used / peak:.0%} of the {peak / 1e9:.0f} "
        f"billion that onnxruntime reaches in a product of {_GEMM} × {_GEMM} matrices on all cores",
    )
    return Result(
        "Evaluation",
        [Table("Texts a second", columns, rows, notes), _profile(model, round(tokens))],
        [Target.at_least("evaluation against transformers.pipeline", 5, ratios[ours.name], "×", _MISSED)],
        {
            "texts_per_second": median(speeds[ours.name]),
            "ratio": ratios[ours.name],
            "share_of_int8_peak": used / peak,
        },
    )


def _measure(
    ways: Sequence[Way], texts: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, Probabilities | None]]:
    """Texts a second of each way in each round, and its last answers."""
    speeds: dict[str, list[float]] = {way.name: [] for way in ways}
    answers: dict[str, Probabilities | None] = {}
    for _ in range(rounds):
        for way in ways:
            began = time.perf_counter()
            answers[way.name] = way.answer()
            speeds[way.name].append(texts / (time.perf_counter() - began))
    return speeds, answers


def _profile(model: Model, tokens: int) -> Table:
    """Where the time of a text of so many tokens goes on one core, alone and in a batch of like texts."""
    sizes = (1, max(_OUR_BATCHES))
    alone, batched = (milliseconds(model.artifact / MODEL, tokens, size) for size in sizes)
    note = (
        "alone, every text brings all weights from memory to the core for a few rows of a matrix; a batch brings them "
        "once, but shares one quantization scale among its texts"
    )
    return Table(
        f"Milliseconds a text of {tokens} tokens on one core, as onnxruntime profiles them",
        ("", "alone", f"in a batch of {sizes[-1]}"),
        [(kind, alone[kind], batched[kind]) for kind in alone],
        (note,),
    )


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


def _pipelines(model: Model, texts: Sequence[str]) -> tuple[Way, Way]:
    """The pipeline with its best batch size, by a sample: on the texts as they come, and sorted by length."""
    classify = pipeline("text-classification", str(model.checkpoint), device="cpu", truncation=True)
    torch.set_num_threads(_CORES)
    sample = list(texts[:: len(texts) // _SAMPLE])
    classify(sample[:8])
    took = {size: _seconds(partial(classify, sample, batch_size=size)) for size in _PIPELINE_BATCHES}
    best = min(took, key=lambda size: took[size])

    def answer(texts: Sequence[str]) -> None:
        classify(list(texts), batch_size=best)

    name = f"transformers.pipeline, fp32, batches of {best} (its best)"
    as_they_come, by_length = partial(answer, texts), partial(answer, sorted(texts, key=len))
    return Way(name, as_they_come), Way(f"{name}, texts sorted", by_length)


def _batched(model: Model, texts: Sequence[str]) -> list[Way]:
    """The artifact's graph on batches of texts of like length; probabilities in the order of `texts`."""
    session = _session(str(model.artifact / MODEL))
    tokenizer = _tokenizer(model)
    tokenizer.enable_padding()
    names = [tensor.name for tensor in session.get_inputs()]

    def answer(size: int) -> Probabilities:
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

    return [Way(f"int8, length-sorted batches of {size}", partial(answer, size)) for size in _OUR_BATCHES]


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


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
