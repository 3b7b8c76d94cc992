"""Baseline: FastAPI over a transformers pipeline, as its documentation shows it. `python pipeline.py PORT MODEL torch`.

With `onnx` for `torch` the pipeline's model is optimum's ONNX Runtime one; `export MODEL TARGET` makes its files.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def main(arguments: list[str]) -> None:
    """Serve until killed, or export."""
    if arguments[0] == "export":
        _export(arguments[1], arguments[2])
    else:
        port, model, backend = arguments
        _serve(int(port), model, backend)


def _export(model: str, target: str) -> None:
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from transformers import AutoTokenizer

    ORTModelForSequenceClassification.from_pretrained(model, export=True).save_pretrained(target)
    AutoTokenizer.from_pretrained(model).save_pretrained(target)


def _serve(port: int, model: str, backend: str) -> None:
    import uvicorn
    from fastapi import Body, FastAPI
    from transformers import AutoTokenizer, pipeline

    if backend == "torch":
        classify = pipeline("text-classification", model=model, device="cpu")
    else:
        from onnxruntime import SessionOptions
        from optimum.onnxruntime import ORTModelForSequenceClassification

        options = SessionOptions()
        # By itself it takes a thread for each CPU of the machine, however many the process may use.
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
        loaded = ORTModelForSequenceClassification.from_pretrained(model, session_options=options)
        classify = pipeline("text-classification", model=loaded, tokenizer=AutoTokenizer.from_pretrained(model))
    app = FastAPI()

    # Not `async`: FastAPI runs it in its thread pool, so that requests do not wait for one another.
    def invocations(inputs: str | list[str] = Body(embed=True)) -> Any:  # noqa: B008 (FastAPI's own way)
        return classify(inputs, truncation=True)

    app.post("/invocations")(invocations)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
