"""The job on real tables: as good as scikit-learn by hand, served as it was trained, and said in its log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnxruntime
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, mean_absolute_error

from domain import metrics
from domain.data.records import Row
from domain.errors import ParityFailed
from tasks.tabular import table
from tasks.tabular.manifest import CATEGORIES, NUMBERS
from tasks.tabular.train import MOST_CATEGORIES, frequent, joined
from tasks.tabular.training import parity
from tasks.tabular.training.graph import rounded_down
from tests.tasks.tabular.conftest import Trained
from tests.tasks.tabular.jobs import TUNING, lay_out_rows, read, train
from tests.training.job import Job

NAMES = ("cancer", "wine", "diabetes")


def by_hand(made: Trained, split: str) -> np.ndarray[Any, Any]:
    """The rows as one would encode them for scikit-learn: a category as its place in the alphabet, one more if new."""
    rows, learned = made.split(split), made.split("train")
    columns = []
    for name, kind in made.schema.items():
        known = sorted({row.features.get(name, "") for row in learned}) if kind == "category" else []
        places = {text: place for place, text in enumerate(known)}
        columns.append(
            [
                places.get(row.features.get(name, ""), len(known)) if known else float(row.features.get(name, "nan"))
                for row in rows
            ]
        )
    return np.array(columns, float).T


@pytest.mark.parametrize("name", NAMES)
def test_is_as_good_as_the_library_by_hand(trained: Callable[[str], Trained], name: str) -> None:
    """Within what another order of the categories may change: a few rows of the 60 to 160 that validate."""
    made = trained(name)
    learn = HistGradientBoostingRegressor if name == "diabetes" else HistGradientBoostingClassifier
    value = float if name == "diabetes" else str
    given: dict[str, Any] = {**TUNING, "early_stopping": True}
    truths = {split: [value(row.label) for row in made.split(split)] for split in ("train", "validation")}
    model = learn(**given).fit(
        by_hand(made, "train"),
        truths["train"],
        X_val=by_hand(made, "validation"),
        y_val=truths["validation"],
    )
    guesses = model.predict(by_hand(made, "validation"))
    served = made.job.metrics()["served"]
    if name == "diabetes":
        assert served["mae"] == pytest.approx(mean_absolute_error(truths["validation"], guesses), rel=0.05)
    else:
        assert served["accuracy"] == pytest.approx(accuracy_score(truths["validation"], guesses), abs=0.04)


@pytest.mark.parametrize("name", NAMES)
def test_served_answers_are_those_of_the_pipeline_that_is_left_to_people(
    trained: Callable[[str], Trained], name: str
) -> None:
    made = trained(name)
    rows = [row.features for row, _ in made.rows]
    pipeline = joblib.load(made.root / "output" / "data" / "model.joblib")
    given = np.asarray(pipeline[0].transform(joined(table.table(rows, made.schema))), np.float32)  # type: ignore[arg-type]
    answers = made.predictor.best(rows)
    if name == "diabetes":
        expected = pipeline[1].predict(given)
        assert np.abs(expected - [answer.score for answer in answers]).max() < 1e-5 * np.std(expected)
    else:
        labels = made.predictor.manifest.own["labels"]
        probabilities = pipeline[1].predict_proba(given)
        assert [answer.label for answer in answers] == [labels[place] for place in probabilities.argmax(axis=1)]
        assert np.abs(probabilities.max(axis=1) - [answer.score for answer in answers]).max() < 1e-5


def test_the_graph_answers_from_raw_values_alone(cancer: Trained) -> None:
    rows = [row.features for row in cancer.split("validation")]
    given = table.table(rows, cancer.schema)  # type: ignore[arg-type]
    session = onnxruntime.InferenceSession(cancer.root / "model" / "model.onnx")
    (found,) = session.run(["probabilities"], {NUMBERS: given.numbers, CATEGORIES: given.categories})
    answers = cancer.predictor.best(rows)
    assert found.max(axis=1).tolist() == pytest.approx([answer.score for answer in answers], abs=1e-6)


def test_the_log_states_what_was_learned(cancer: Trained, diabetes: Trained) -> None:
    for made, measures in ((cancer, ("accuracy", "macro_f1")), (diabetes, ("mae", "rmse", "r2"))):
        last = {}
        for definition in metrics.definitions(measures):
            if values := re.findall(definition["Regex"], made.log):
                last[definition["Name"]] = float(values[-1])
        served, validation = made.job.metrics()["served"], made.job.metrics()["validation"]
        assert last.keys() == {
            *("progress", "train:loss", "validation:loss", "parity:onnx_difference"),
            *(f"{stage}:{key}" for stage in ("validation", "served") for key in measures),
        }
        for key in measures:
            assert last[f"served:{key}"] == pytest.approx(served[key], rel=1e-5)
            assert validation[key] == pytest.approx(served[key], rel=1e-5)
        assert "no checkpoint is kept, an interrupted job starts again" in made.log
        assert "starting from the beginning" in made.log


def test_the_curves_end_with_the_last_tree(cancer: Trained) -> None:
    measured = cancer.job.metrics()
    assert measured["curves"][-1]["step"] == measured["steps"]
    assert {"step", "loss", "validation_loss", "validation_accuracy", "validation_macro_f1"} == {*measured["curves"][0]}
    assert 5 < len(measured["curves"]) <= 21
    every = json.loads((cancer.root / "output" / "data" / "curves.json").read_text())
    assert [point["step"] for point in every] == [*range(measured["steps"] + 1)]


@pytest.mark.parametrize(("name", "measure"), [("cancer", "accuracy"), ("diabetes", "mae")])
def test_says_what_each_column_is_worth(trained: Callable[[str], Trained], name: str, measure: str) -> None:
    made = trained(name)
    worth = made.job.metrics()["importances"]
    assert {item["column"] for item in worth} == {*made.schema}
    assert {item["measure"] for item in worth} == {measure}
    losses = [item["loss"] for item in worth]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0


def test_a_column_that_says_it_all_is_worth_it_all(tmp_path: Path) -> None:
    schema = {"noise": "number", "kind": "category"}
    chance = np.random.default_rng(1)
    given = [
        {"noise": float(chance.random()), "kind": ("a", "b")[n % 2], "label": ("x", "y")[n % 2]} for n in range(400)
    ]
    lay_out_rows(tmp_path, read(given, schema, "classification"), schema, "label")
    train(tmp_path, "tabular")
    first, second = Job(tmp_path, None).metrics()["importances"]
    assert (first["column"], second["column"]) == ("kind", "noise")
    assert first["loss"] == pytest.approx(0.5, abs=0.15), "half of the shuffled rows get the other kind"
    assert second["loss"] == 0


def test_training_stops_by_our_validation_rows(cancer: Trained) -> None:
    every = json.loads((cancer.root / "output" / "data" / "curves.json").read_text())
    losses = [point["validation_loss"] for point in every]
    assert len(every) < TUNING["max_iter"]
    assert len(losses) - 1 - losses.index(min(losses)) >= TUNING["n_iter_no_change"]
    assert min(losses[-int(TUNING["n_iter_no_change"]) :]) >= min(losses)


def test_a_job_is_the_same_again(cancer: Trained, tmp_path: Path) -> None:
    lay_out_rows(tmp_path, cancer.rows, cancer.schema, label="progress")
    train(tmp_path, "tabular")
    first, again = (root / "model" / "model.onnx" for root in (cancer.root, tmp_path))
    assert first.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(
    ("schema", "count"),
    [({"n": "number"}, 60), ({"c": "category"}, 60), ({"c": "category", "n": "number", "void": "number"}, 8)],
)
def test_columns_of_one_type_and_few_rows(tmp_path: Path, schema: dict[str, str], count: int) -> None:
    given = [{"n": n / 7, "c": f"k{n}", "label": "even" if n % 2 else "odd"} for n in range(count)]
    lay_out_rows(tmp_path, read(given, schema, "classification"), schema, label="label")
    train(tmp_path, "tabular")
    assert Trained(tmp_path, [], schema, "").predictor.best([{}])[0].label in {"even", "odd"}


def test_numbers_far_from_zero_lose_no_digits(tmp_path: Path) -> None:
    """As moments in seconds are: float32 has steps of 128 there, and trees that say so would be off by that."""
    given = [{"n": n, "label": 1.7e9 + (n % 10) / 10} for n in range(400)]
    schema = {"n": "number"}
    lay_out_rows(tmp_path, read(given, schema, "regression"), schema, label="label")
    train(tmp_path, "tabular-regression", min_samples_leaf=1, max_iter=300)
    assert Job(tmp_path, None).metrics()["served"]["mae"] < 0.5


def test_thresholds_are_rounded_so_that_no_float32_changes_its_side() -> None:
    draw = np.random.default_rng(1)
    values = np.unique(draw.normal(size=4000).astype(np.float32))
    between = [(np.float64(one) + np.float64(other)) / 2 for one, other in pairwise(values)]
    wide = [1e300, -1e300, float(np.finfo(np.float32).max), 0.0, 1e-50, -1e-50]
    thresholds = np.array([*between, *values.astype(np.float64), *wide])
    rounded = rounded_down(thresholds)
    assert (rounded.astype(np.float64) <= thresholds).all()
    neighbours = np.concatenate([values, np.nextafter(values, np.float32(9)), np.array([0, 3.4028235e38], np.float32)])
    for threshold, low in zip(thresholds[:500].tolist() + wide, [*rounded[:500], *rounded[-6:]], strict=True):
        assert ((neighbours.astype(np.float64) <= threshold) == (neighbours <= low)).all()


def test_the_most_frequent_categories_are_known_and_a_missing_one_is_one_of_them() -> None:
    texts = ["", "b", "a", "b", *(f"once {n}" for n in range(1000))]
    known = frequent(texts)
    assert known[0] == "b"
    assert known[1:3] == ("", "a")
    assert len(known) == MOST_CATEGORIES


def test_a_graph_that_answers_otherwise_fails_the_job() -> None:
    trained = np.array([[0.9, 0.1], [0.5, 0.5]])
    assert parity.probabilities(trained, np.array([[0.9, 0.1], [0.499999, 0.500001]], np.float32))["same_label"] == 1.0
    for served in ([[0.9, 0.1], [0.4, 0.6]], [[0.9, float("nan")], [0.5, 0.5]]):
        with pytest.raises(ParityFailed, match="probabilities differ"):
            parity.probabilities(trained, np.array(served, np.float32))
    numbers = np.array([1e6, 1e6 + 2])
    assert parity.numbers(numbers, numbers + 1e-6, 1e6, 1.0, 10)["onnx_difference"] < 1e-5
    for off in (1e-3, float("nan")):
        with pytest.raises(ParityFailed, match="numbers differ"):
            parity.numbers(numbers, numbers + off, 1e6, 1.0, 10)


def test_a_row_of_the_parts_is_all_that_is_learned_from(cancer: Trained) -> None:
    counted = cancer.job.metrics()["rows"]
    splits: dict[str, list[Row]] = {name: cancer.split(name) for name in ("train", "validation")}
    assert (counted["train"], counted["validation"]) == tuple(len(rows) for rows in splits.values())
