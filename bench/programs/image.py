"""Baseline: FastAPI over transformers' image-classification pipeline, as its documentation shows it.

`python image.py PORT MODEL`. Pictures come in base64, which the pipeline itself decodes.
"""

from __future__ import annotations

import sys
from typing import Any


def main(port: int, model: str) -> None:
    """Serve until killed."""
    import uvicorn
    from fastapi import Body, FastAPI
    from transformers import pipeline

    classify = pipeline("image-classification", model=model, device="cpu")
    app = FastAPI()

    # Not `async`: FastAPI runs it in its thread pool, so that requests do not wait for one another.
    def invocations(inputs: list[str] = Body(embed=True)) -> Any:  # noqa: B008 (FastAPI's own way)
        return classify(inputs)

    app.post("/invocations")(invocations)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
