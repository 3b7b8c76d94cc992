"""The model of tables that every server of the bench answers with: the same trees as an artifact and as pipelines.

They are learned by the training's own code, so the artifact is of the kind that is served.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from bench.census import CATEGORIES, LABELS, NUMBERS, SCHEMA, Row, census
from bench.environments import anew
from domain.artifact import Manifest
from tasks.tabular.settings import Hyperparameters as Settings
from tasks.tabular.train import Hyperparameters, Learner, learner
from training.arguments import Arguments, Places
from training.data import Counts, Rows, Splits
from training.package import write_artifact

ROWS: Final = 20_000
# Every fifth of them chooses the number of trees.
_VALIDATION: Final = 5
_TASK: Final = "tabular"


@dataclass(frozen=True)
class TableModel:
    """The same `trees`, so many, as the artifact's unpacked files and as two scikit-learn pipelines in joblib's files.

    `frames` takes a data frame of named columns, `arrays` an array of them in their order.
    """

    artifact: Path
    frames: Path
    arrays: Path
    trees: int


def table_model() -> TableModel:
    """The model below .cache/bench/table, made anew: it takes seconds. Raises TrainingError."""
    folder = anew("table")
    places = Places.of({"SAGEMAKER_BASE_DIR": str(folder)})
    # Threads that wait for one another take minutes where something else uses the CPUs.
    with threadpool_limits(1):
        trained = learner(_arguments(), places, _splits())
        trained.train(None)
        trained.export(folder)
        trained.prove()
    _write(trained, places)
    return TableModel(places.model, *_pipelines(places.output), trees=int(trained.metrics()["steps"]))


def requests(rows_each: int, number: int) -> list[bytes]:
    """The bodies of `number` requests with so many rows each, none of which was learned from."""
    unseen = [row for row, _ in census(rows_each * number, seed=1)]
    starts = range(0, len(unseen), rows_each)
    return [json.dumps({"inputs": unseen[start : start + rows_each]}).encode() for start in starts]


def _arguments() -> Arguments:
    tuning = Hyperparameters(**Settings().model_dump())
    return Arguments("bench", "bench", _TASK, None, None, tuple(SCHEMA), tuning)


def _splits() -> Splits:
    rows = census(ROWS)
    validation = rows[::_VALIDATION]
    train = [row for place, row in enumerate(rows) if place % _VALIDATION]
    counts = Counts(len(train), len(validation), replaced=0, held_out=0, unlearnable=0)
    return Splits(_rows(train), _rows(validation), LABELS, counts, tuple(SCHEMA), SCHEMA)


def _rows(labelled: Sequence[tuple[Row, str]]) -> Rows:
    inputs, labels = zip(*labelled, strict=True)
    return Rows(inputs, labels)


def _write(trained: Learner, places: Places) -> None:
    manifest = Manifest(_TASK, "bench", "bench", None, None, tuple(SCHEMA), trained.own())
    write_artifact(places.model, trained.files(), manifest, trained.metrics())


def _pipelines(output: Path) -> tuple[Path, Path]:
    """The pipeline that training left, once as it would be by columns' names, once as it is."""
    frames, arrays = output / "frames.joblib", output / "arrays.joblib"
    left: Pipeline = joblib.load(output / "model.joblib")
    columns, trees = left.named_steps["columns"], left.named_steps["trees"]
    # It learned the labels' places; who uses scikit-learn by hand has the labels themselves.
    trees.classes_ = np.array(LABELS)
    encoder = columns.named_transformers_["categories"]
    named = ColumnTransformer(
        [("numbers", "passthrough", list(NUMBERS)), ("categories", clone(encoder), list(CATEGORIES))]
    )
    # Which categories there are it has been told, so that any row does.
    named.fit(pd.DataFrame([dict.fromkeys(NUMBERS, 0.0) | dict.fromkeys(CATEGORIES, "")]))
    joblib.dump(Pipeline([("columns", named), ("trees", trees)]), frames)
    joblib.dump(left, arrays)
    return frames, arrays
