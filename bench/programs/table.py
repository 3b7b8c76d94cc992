"""Baseline: FastAPI over a scikit-learn pipeline, as tutorials have it. `python table.py PORT MODEL frames SCHEMA`.

MODEL is joblib's file, SCHEMA a JSON object of the columns' types. With `arrays` for `frames` rows become an array at
once, without pandas.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main(port: int, path: str, kind: str, schema: dict[str, str]) -> None:
    """Serve until killed."""
    import joblib
    import uvicorn
    from fastapi import Body, FastAPI

    model = joblib.load(path)
    labels = model.named_steps["trees"].classes_.tolist()
    blank = {name: float("nan") if of == "number" else "" for name, of in schema.items()}
    read = {"frames": _frame, "arrays": _array}[kind]
    app = FastAPI()

    # Not `async`: FastAPI runs it in its thread pool, so that requests do not wait for one another.
    def invocations(inputs: list[dict[str, float | str]] = Body(embed=True)) -> Any:  # noqa: B008 (FastAPI's own way)
        found = model.predict_proba(read([{**blank, **row} for row in inputs]))
        best = found.argmax(axis=1)
        return [[{"label": labels[label], "score": float(row[label])}] for row, label in zip(found, best, strict=True)]

    app.post("/invocations")(invocations)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def _frame(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows)


def _array(rows: list[dict[str, Any]]) -> Any:
    import numpy as np

    return np.array([list(row.values()) for row in rows], object)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
