"""Real tables, and training jobs on them."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from domain.data.records import Column, Contract, Row, parse_row
from tests.training.job import Job, lay_out
from training.train import main

TUNING: dict[str, float] = {
    "max_iter": 100,
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 0.0,
    "n_iter_no_change": 10,
    "random_state": 7,
}
SETS = {"cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}


def rows_of(name: str, seed: int = 1) -> list[dict[str, object]]:
    """The rows of one of scikit-learn's own sets, as a file has them: with two columns of categories made of numbers,
    and values missing here and there."""
    data, draw = SETS[name](), random.Random(seed)
    names = [str(name) for name in data.feature_names]
    answers = data.target if name == "diabetes" else [str(data.target_names[label]) for label in data.target]
    rows: list[dict[str, object]] = []
    for values, answer in zip(data.data, answers, strict=True):
        row: dict[str, object] = dict(zip(names, map(float, values), strict=True))
        row["size-class"] = f"class {int(values[2] * 10)}"
        row["rare one"] = draw.choice(["a", "b", "c", f"only {draw.randint(0, 10_000)}"])
        row |= {column: None for column in row if draw.random() < 0.05}
        rows.append({**row, "label": answer if isinstance(answer, str) else float(answer)})
    return rows


def schema_of(name: str) -> dict[str, str]:
    """The types of its columns."""
    numbers = [str(column) for column in SETS[name]().feature_names]
    return dict.fromkeys(numbers, "number") | {"size-class": "category", "rare one": "category"}


def read(rows: Sequence[Mapping[str, object]], schema: Mapping[str, Any], kind: Any) -> list[tuple[Row, str]]:
    """Each row as Prepare reads it, and its split; 30% of the rows validate."""
    columns = tuple(Column(name, 1000, required=False, type=of) for name, of in schema.items())
    contract = Contract(columns, "label", None, test_percent=1, validation_percent=30, kind=kind)
    return [parse_row(row, contract) for row in rows]


def lay_out_rows(root: Path, rows: Sequence[tuple[Row, str]], schema: Mapping[str, str], label: str) -> None:
    """The channels of a job that learns the column `label`."""
    splits: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
    for row, split in rows:
        splits[split].append({"id": row.id, "features": row.features, "label": row.label})
    lay_out(root, {"one": {name: splits[name] for name in ("train", "validation")}}, schema=schema, label=label)


def train(root: Path, task: str, **hyperparameters: float) -> str:
    """Run the job whose channels lie below `root`, in this process; returns its log."""
    job = Job(root, None, {"task": task, "features": None, **TUNING, **hyperparameters})
    log = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(log):
        for name, value in job.environment.items():
            patch.setenv(name, value)
        main(job.argv)
    return log.getvalue()
