"""Part `int8`: what it costs that int8 gives the same answers on every x86 CPU (docs/decisions/07).

Without VNNI, ONNX Runtime adds pairs of u8*s8 products in 16 bits. Weights of 7 bits cannot overflow there; weights of
8 bits can, unless the session turns them unsigned. Accuracy needs a trained model: `bench.quality`.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from bench.client import WORDS, percentile, texts
from bench.model import Model, distilbert
from bench.report import Result, Table
from domain.artifact import MODEL
from tasks.text.manifest import INPUTS, OUTPUT, TOKENIZER
from training.onnx_graph import save_optimized

SHIPPED: Final = "7-bit weights (reduce_range), as shipped"


def run(full: bool) -> Result:
    """Ask the graph in fp32 and in three forms of int8 the same texts in turn: latency, agreement, time to load."""
    model = distilbert()
    graphs = _graphs(model)
    tokenizer = Tokenizer.from_file(str(model.artifact / TOKENIZER))
    sessions, loading = {}, {}
    for name, (graph, options) in graphs.items():
        began = time.process_time()
        sessions[name] = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        loading[name] = 1000 * (time.process_time() - began)
    took: dict[str, list[float]] = {name: [] for name in sessions}
    logits: dict[str, list[NDArray[np.float32]]] = {name: [] for name in sessions}
    asked = texts(200 if full else 60)
    for text in asked:
        encoding = tokenizer.encode(text)
        inputs = dict(zip(INPUTS, (np.array([ids]) for ids in (encoding.ids, encoding.attention_mask)), strict=False))
        for name, session in sessions.items():
            began = time.perf_counter()
            (found,) = session.run([OUTPUT], inputs)
            took[name].append(1000 * (time.perf_counter() - began))
            logits[name].append(found[0])
    exact = np.stack(logits["fp32"])
    rows = []
    for name in sessions:
        found = np.stack(logits[name])
        agreement = float(np.mean(found.argmax(axis=1) == exact.argmax(axis=1)))
        difference = float(np.abs(found - exact).max())
        own = median(took[name]) / median(took[SHIPPED])
        rows.append((name, median(took[name]), percentile(took[name], 0.99), own, loading[name], agreement, difference))
    columns = (
        "form",
        "p50 ms",
        "p99 ms",
        "times shipped",
        "load CPU ms",
        "same label as fp32",
        "largest logit difference",
    )
    notes = (
        f"{len(asked)} real texts of {WORDS} words, each form in turn, one thread, without tokenizing and HTTP",
        "the weights are random: agreement of a trained model, and its accuracy, are measured by bench.quality",
    )
    return Result("Portable int8", [Table("Three forms of int8 and fp32", columns, rows, notes)])


def _graphs(model: Model) -> dict[str, tuple[Path, Any]]:
    folder = model.artifact.parent
    fp32, eight = folder / "fp32.onnx", folder / "eight.onnx"
    if not eight.exists():
        quantize_dynamic(fp32, eight, weight_type=QuantType.QInt8, per_channel=True, reduce_range=False)
    neither = folder / "neither" / MODEL
    if not neither.exists():
        save_optimized(eight, neither)
    precise, as_saved = _options(), _options()
    precise.add_session_config_entry("session.x64quantprecision", "1")
    as_saved.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return {
        "fp32": (fp32, _options()),
        SHIPPED: (model.artifact / MODEL, as_saved),
        "8-bit weights, session.x64quantprecision=1": (neither, precise),
        "8-bit weights, neither": (neither, as_saved),
    }


def _options() -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return options
