"""Each other task than text on the local cloud, from a drop to an answer: with nothing but its settings changed."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from domain import layout
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops import digits
from ops.demo.plays import of
from ops.demo_files import as_csv
from tasks.settings import of_project
from tests.e2e.driver import Pipeline, listen

pytestmark = pytest.mark.slow

Row = dict[str, Any]
Deploy = Callable[..., Pipeline]


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Deploy]:
    """Deploys a project of some task with settings of its `data`, and others."""
    with LocalCloud(tmp_path / "cloud") as cloud:

        def deployed(task: str, data: dict[str, Any], **others: Any) -> Pipeline:
            image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serving:local"
            overlay = {
                "project": "live",
                "task": task,
                "data": {**data, "quiet_seconds": 2, "settle_max_seconds": 20},
                "gate": {"min_test_rows": 20},
                "serving": {"image": image, "memory_mb": 1024},
                **others,
            }
            cloud.bootstrap()
            cloud.deploy(overlay)
            bucket = layout.bucket("live", ACCOUNT, REGION)
            settings = of_project(overlay).model_validate(overlay)
            return Pipeline(cloud, settings, bucket, listen(cloud, "live"))

        yield deployed


def table(label: str) -> dict[str, Any]:
    """Of a table whose columns are left to the first file."""
    return {"features": None, "label": label}


def tumours(rows: slice) -> list[Row]:
    """Rows of scikit-learn's breast cancer data: some numbers, a category, some cells empty."""
    given = load_breast_cancer()
    chance = random.Random(7)
    found = []
    for values, target in zip(given.data, given.target, strict=True):
        row: Row = dict(zip(given.feature_names[:10], values[:10], strict=True))
        row["mean radius"] = "" if chance.random() < 0.1 else row["mean radius"]
        row["clinic"] = chance.choice(["north", "south", "east"])
        row["finding"] = str(given.target_names[target])
        found.append(row)
    chance.shuffle(found)
    return found[rows]


def patients(rows: slice) -> list[Row]:
    """Rows of scikit-learn's diabetes data: numbers, a category, and how the disease went on."""
    given = load_diabetes(scaled=False)
    found = []
    for values, target in zip(given.data, given.target, strict=True):
        row: Row = {name: float(value) for name, value in zip(given.feature_names, values, strict=True)}
        row["sex"] = "f" if row["sex"] == 1 else "m"
        found.append({**row, "progress": float(target)})
    random.Random(7).shuffle(found)
    return found[rows]


def ask(pipeline: Pipeline, inputs: Any) -> tuple[Any, str]:
    """The answers, and what is said of them."""
    answer = pipeline.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=pipeline.project, ContentType="application/json", Body=json.dumps({"inputs": inputs})
    )
    return json.loads(answer["Body"].read()), answer.get("CustomAttributes", "")


def held(pipeline: Pipeline) -> dict[str, str]:
    return {hold.source.key: hold.reason for hold in pipeline.ledger.held().values()}


def shuffled(rows: Sequence[Row], label: str) -> list[Row]:
    values = [row[label] for row in rows]
    random.Random(3).shuffle(values)
    return [{**row, label: value} for row, value in zip(rows, values, strict=True)]


def test_labels(deploy: Deploy) -> None:
    pipeline = deploy("tabular", table("finding"))
    pipeline.drop("first.csv", as_csv(tumours(slice(400))))
    run = pipeline.concluded("promote")
    receipt = pipeline.read_json(layout.run_file(run.run, "receipt.json"))
    assert receipt["data"]["schema"]["clinic"] == "category"
    assert receipt["data"]["schema"]["mean radius"] == "number"
    assert receipt["training"]["instance"] == "ml.m5.xlarge"

    rows = tumours(slice(400, 569))
    inputs = [{name: value for name, value in row.items() if name != "finding" and value != ""} for row in rows]
    answers, _ = ask(pipeline, inputs)
    right = [first["label"] == row["finding"] for (first, *_), row in zip(answers, rows, strict=True)]
    assert sum(right) / len(right) > 0.85
    (unheard,), said = ask(pipeline, [{**inputs[0], "clinic": "west"}])
    assert unheard[0]["score"] > 0
    assert "unknown" in said

    pipeline.drop("poisoned.csv", as_csv(shuffled(rows, "finding")))
    screened = pipeline.concluded("screened", runs=2)
    assert screened.artifact is None
    renamed = [{"site" if name == "clinic" else name: value for name, value in row.items()} for row in rows]
    pipeline.drop("renamed.csv", as_csv(renamed))
    key = f"{layout.LANDING}renamed.csv"
    pipeline.until("a held file", lambda: key in held(pipeline))
    assert "no column 'clinic'" in held(pipeline)[key]
    pipeline.rest()
    assert ask(pipeline, inputs)[0] == answers


@pytest.mark.of_other_tasks
def test_numbers(deploy: Deploy) -> None:
    pipeline = deploy("tabular-regression", table("progress"))
    pipeline.drop("first.jsonl", "".join(json.dumps(row) + "\n" for row in patients(slice(350))).encode())
    run = pipeline.concluded("promote")
    receipt = pipeline.read_json(layout.run_file(run.run, "receipt.json"))
    assert receipt["data"]["schema"]["sex"] == "category"

    rows = patients(slice(350, 442))
    inputs = [{name: value for name, value in row.items() if name != "progress"} for row in rows]
    answers, _ = ask(pipeline, inputs)
    assert {first["label"] for (first, *_) in answers} == {"progress"}
    errors = [abs(first["score"] - row["progress"]) for (first, *_), row in zip(answers, rows, strict=True)]
    middle = sorted(row["progress"] for row in rows)[len(rows) // 2]
    assert sum(errors) < sum(abs(row["progress"] - middle) for row in rows)

    moved = [{**row, "progress": row["progress"] * 10} for row in rows]
    pipeline.drop("poisoned.csv", as_csv(moved))
    screened = pipeline.concluded("screened", runs=2)
    assert screened.artifact is None
    assert "the live model is off by more than" in str(screened.sentence)
    assert ask(pipeline, inputs)[0] == answers


def test_pictures(deploy: Deploy) -> None:
    pipeline = deploy("image", {}, training=of("image").settings["training"])
    known, unseen = digits.digits()[:1200], digits.digits()[1200:1600]
    pipeline.drop("first.zip", digits.as_zip(digits.in_folders(known)))
    run = pipeline.concluded("promote")
    receipt = pipeline.read_json(layout.run_file(run.run, "receipt.json"))
    assert sum(receipt["data"]["rows"].values()) == 1200
    assert receipt["data"]["labels"] == list("0123456789")

    asked = unseen[:60]
    inputs = [b64encode(digit.png).decode() for digit in asked]
    answers, _ = ask(pipeline, inputs)
    right = [first["label"] == digit.label for (first, *_), digit in zip(answers, asked, strict=True)]
    assert sum(right) > 48
    # As it is on disk: the same answer, which is a list for one picture.
    alone = pipeline.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=pipeline.project, ContentType="image/png", Body=unseen[0].png
    )
    assert json.loads(alone["Body"].read())[0] == answers[0][0]

    poisoned = digits.with_table(digits.shuffle_labels(unseen), "metadata.csv")
    pipeline.drop("poisoned.tar.gz", digits.as_tar_gz(poisoned))
    screened = pipeline.concluded("screened", runs=2)
    assert screened.artifact is None
    pipeline.drop("alone.png", unseen[0].png)
    key = f"{layout.LANDING}alone.png"
    pipeline.until("a held file", lambda: key in held(pipeline))
    assert "zip" in held(pipeline)[key]
    pipeline.rest()
    assert ask(pipeline, inputs)[0] == answers
