"""A task is a folder: what is one is found there, and nothing outside names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tasks
from domain.settings import Settings
from stacks.paths import task_files, task_folder

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("app.py", "domain", "ledger", "lambdas", "serving", "training", "stacks", "ops", "local")


def outside() -> list[Path]:
    """The project's own code beside the tasks."""
    return [path for name in OUTSIDE for path in (ROOT / name).rglob("*.py") or [ROOT / name]]


@pytest.mark.parametrize("task", tasks.names())
def test_nothing_outside_names_one(task: str) -> None:
    """By a path or a module, or as a value of what is called a task. The settings' default is the one exception."""
    named = re.compile(rf"""tasks[./]{task}\b|["']tasks["'] */ *["']{task}["']|\btask\b *[=:(]+ *["']{task}["']""")
    found = [path.relative_to(ROOT).as_posix() for path in outside() if named.search(path.read_text("utf-8"))]
    assert found == []


def test_the_default_is_one() -> None:
    assert Settings.model_fields["task"].default in tasks.names()


@pytest.mark.parametrize("task", tasks.names())
def test_each_gives_what_the_contract_says(task: str) -> None:
    row, predict, train = tasks.row(task), tasks.predict(task), tasks.train(task)
    assert all(callable(one) for one in (row.columns, row.asked, predict.load, train.learner))
    for use in ("predict", "train"):
        assert (task_folder(ROOT, task) / f"requirements-{use}.txt").is_file()


@pytest.mark.parametrize("task", tasks.names())
def test_only_a_job_gets_what_trains(task: str) -> None:
    light, all_of_it = ({path.name for path in task_files(ROOT, task, training=heavy)} for heavy in (False, True))
    assert {"row.py", "predict.py", "contract.py"} <= light
    assert "train.py" not in light
    assert "train.py" in all_of_it


def test_an_artifact_of_an_earlier_release_is_read() -> None:
    assert tasks.of_manifest("text-classification") in tasks.names()
