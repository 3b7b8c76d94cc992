"""Where a text's time goes, by kind of operator, as ONNX Runtime profiles it on one thread.

`python -m bench.profile GRAPH TOKENS` prints the kinds as JSON: a process of its own, since ONNX Runtime chooses its
kernels once, when it is imported, by the CPUs that the process may use.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort

_KINDS: Final = {
    "int8 products, with quantizing their inputs": (
        "DynamicQuantizeLinear",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
    ),
    "attention in fp32": ("FusedMatMul", "MatMul", "Softmax", "Transpose", "Where"),
    "sums, normalization and activation": ("Add", "Gelu", "LayerNormalization", "SkipLayerNormalization"),
}
_REST: Final = "the rest"


def milliseconds(graph: Path, tokens: int, texts: int = 1, runs: int = 20) -> dict[str, float]:
    """Mean milliseconds per text by kind of operator, in batches of `texts` texts of `tokens` tokens; the last sums up.

    The weights' values do not matter to it, nor do the tokens', which are random.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        ids = np.random.default_rng(0).integers(1000, 20_000, (texts, tokens))
        for _ in range(runs):
            session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        events = json.loads(Path(session.end_profiling()).read_bytes())
    spent = dict.fromkeys((*_KINDS, _REST), 0.0)
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            operator = event["args"]["op_name"]
            kind = next((name for name, operators in _KINDS.items() if operator in operators), _REST)
            spent[kind] += event["dur"] / 1000 / runs / texts
    return {**spent, "together": sum(spent.values())}


def apart(graph: Path, tokens: int, cpus: str) -> dict[str, float]:
    """`milliseconds` of one text in a process that was bound to `cpus` ("0" or "0,1") from its start."""
    bound = [shutil.which("taskset") or "taskset", "--cpu-list", cpus, sys.executable, "-m", __name__]
    done = subprocess.run([*bound, str(graph), str(tokens)], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(milliseconds(Path(sys.argv[1]), int(sys.argv[2]))))
