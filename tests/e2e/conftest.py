"""One local cloud for all end-to-end tests, deployed once by the real CDK CLI; each test finds an empty project."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain import layout
from local.cloud import ACCOUNT, REGION, LocalCloud
from tasks.settings import of_project
from tests.e2e.driver import Pipeline, listen
from tests.e2e.material import of_task
from tests.tiny_base import tiny_base

PROJECT = "e2e"
BUCKET = layout.bucket(PROJECT, ACCOUNT, REGION)
OVERLAY = {
    "project": PROJECT,
    "data": {"quiet_seconds": 2, "settle_max_seconds": 20, "min_train_rows": 20},
    "training": {
        "base_model": f"s3://{BUCKET}/{layout.BASE}tiny/",
        "base_revision": "tiny",
        "max_run_seconds": 300,
        "max_wait_seconds": 600,
        "hyperparameters": {
            "epochs": 4,
            "batch_size": 16,
            "learning_rate": 0.003,
            "max_length": 24,
            "checkpoint_minutes": 0.01,
            "int8_min_agreement": 0.8,
        },
    },
    "gate": {"min_accuracy": 0.7, "min_macro_f1": 0.7, "min_test_rows": 10, "min_label_test_rows": 2},
    "serving": {"image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serving:local", "memory_mb": 1024},
}


@pytest.fixture(scope="session")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that tells the serving command whose server may start."""
    return tmp_path_factory.mktemp("switch") / "only"


@pytest.fixture(scope="session")
def overlay(pytestconfig: pytest.Config) -> dict[str, Any]:
    """The project's settings, of the task that is asked for."""
    return of_task(OVERLAY, pytestconfig.getoption("task"))


@pytest.fixture(scope="session")
def cloud(switch: Path, overlay: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    # A server's environment has nothing of ours, so its command brings it.
    serve = shlex.join(["env", f"FRAGILE={switch}", sys.executable, "-m", "tests.e2e.fragile_server"])
    # Tiny models train faster on one thread, above all with other tests beside them.
    threads = {"OMP_NUM_THREADS": "1", "LOCAL_SAGEMAKER_INHERIT": "OMP_NUM_THREADS"}
    # A switch that nobody turns changes nothing.
    settings = {"LOCAL_SAGEMAKER_SERVE": serve, "LOCAL_FAULTS": "1", **threads}
    with LocalCloud(tmp_path_factory.mktemp("cloud"), settings=settings) as cloud:
        cloud.bootstrap()
        cloud.deploy(overlay)
        yield cloud


@pytest.fixture(scope="session")
def deployed(cloud: LocalCloud, overlay: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The deployed stack, with the tiny base model in its bucket and a queue that hears the notifications."""
    for file in tiny_base(tmp_path_factory.mktemp("base")).iterdir():
        cloud.client("s3").upload_file(str(file), BUCKET, f"{layout.BASE}tiny/{file.name}")
    return Pipeline(cloud, of_project(overlay).model_validate(overlay), BUCKET, listen(cloud, PROJECT))


@pytest.fixture
def pipeline(deployed: Pipeline, switch: Path) -> Iterator[Pipeline]:
    """The deployed stack with nothing landed, nothing remembered and nothing live."""
    yield deployed
    switch.unlink(missing_ok=True)
    wipe(deployed)


def wipe(pipeline: Pipeline) -> None:
    """Bring the project back to the state of a first deploy."""
    table = pipeline.cloud.resource("dynamodb").Table(layout.ledger(pipeline.project))
    pipeline.delete_all(layout.LANDING)
    pipeline.rest()
    for item in table.scan()["Items"]:
        table.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    if pipeline.endpoint():
        pipeline.client("sagemaker").delete_endpoint(EndpointName=pipeline.project)
        pipeline.until("no endpoint", lambda: pipeline.endpoint() is None)
    for prefix in {key.split("/")[0] for key in pipeline.keys("")} - {layout.BASE.rstrip("/")}:
        pipeline.delete_all(f"{prefix}/")
    pipeline.notifications()
