"""A small model of each task, trained or exported by the training's own code, and a request that it answers.

Whatever asks a server over HTTP and does not care how good its answers are can do so for every task.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits

import tasks
from tests.tasks.image.jobs import new_job, run, shapes
from tests.tasks.tabular.jobs import lay_out_rows, read, rows_of, schema_of, train
from tests.tiny_model import tiny_artifact

LABELS = ("negative", "neutral", "positive")
PICTURE = base64.b64decode(shapes(1, seed=5)[0]["features"]["image"])


def small_model(root: Path, task: str) -> Path:
    """The folder of an unpacked artifact of `task`, made below the folder `root` within seconds."""
    return _MADE[tasks.folder(task)](root, task)


def first_request(task: str) -> bytes:
    """The body of a request in JSON that `small_model` of `task` answers: one row."""
    return json.dumps({"inputs": _INPUTS[tasks.folder(task)]}).encode()


def _text(root: Path, _task: str) -> Path:
    return tiny_artifact(root / "text", LABELS).with_name("model")


def _table(root: Path, task: str) -> Path:
    """Of one of scikit-learn's sets."""
    name = "diabetes" if tasks.kind(task) == "regression" else "wine"
    schema = schema_of(name)
    lay_out_rows(root, read(rows_of(name), schema, tasks.kind(task)), schema, label="label")
    # Threads that wait for one another take minutes where something else uses the CPUs.
    with threadpool_limits(1, user_api="openmp"):
        train(root, task, max_iter=3)
    return root / "model"


def _picture(root: Path, _task: str) -> Path:
    """Of three shapes."""
    run(new_job(root, train=24, epochs=1))
    return root / "model"


_MADE: Mapping[str, Callable[[Path, str], Path]] = {"text": _text, "tabular": _table, "image": _picture}
_INPUTS = {"text": "x", "tabular": {"rare one": "a"}, "image": base64.b64encode(PICTURE).decode()}
