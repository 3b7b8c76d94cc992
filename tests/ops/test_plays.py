"""The demo has a story for each task that it says, and each differs from cdk.json in as little as it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.settings import Settings
from ops.demo import plays
from ops.deployment import ROOT
from ops.errors import Unusable
from stacks.cdk_json import merge, parse
from tests.ops.test_command import mlops

TASKS = ("text", "tabular", "tabular-regression", "image")
ROWS = tuple(task for task in TASKS if task != "image")
WRITTEN: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["settings"]


@pytest.mark.parametrize("task", TASKS)
def test_its_settings_are_allowed(task: str) -> None:
    settings = parse(merge(WRITTEN, plays.of(task).settings))
    assert (settings.task, settings.project) == (task, plays.of(task).project)


def test_without_a_name_it_is_that_of_the_default() -> None:
    default = plays.of()
    assert (default.settings["task"], default.option) == (Settings.model_fields["task"].default, "")
    assert plays.of("tabular").option == " --task tabular"


@pytest.mark.parametrize("task", [task for task in ROWS if task != "text"])
def test_a_table_differs_in_its_task_and_columns_alone(task: str) -> None:
    given = plays.of(task).settings
    assert set(given) == {"project", "task", "data", "serving"}
    assert set(given["data"]) == {"features", "label", "quiet_seconds", "settle_max_seconds"}
    assert given["data"]["features"] is None
    assert given["serving"] == plays.of().settings["serving"]


def test_images_differ_in_their_task_and_training_alone() -> None:
    given = plays.of("image").settings
    assert set(given) <= {"project", "task", "data", "training", "serving"}
    assert set(given["data"]) == {"quiet_seconds", "settle_max_seconds"}
    assert given["serving"] == plays.of().settings["serving"]


def test_a_task_without_a_story_is_refused() -> None:
    with pytest.raises(Unusable, match="no demo of the task 'none', but of image, tabular, tabular-regression, text"):
        plays.of("none")
    for command in ("demo", "prepare-data"):
        result = mlops(command, "--task", "none")
        assert (result.returncode, "no demo of the task 'none'" in result.stderr) == (2, True)


@pytest.mark.parametrize("task", TASKS)
def test_it_drops_what_it_wrote(task: str, tmp_path: Path) -> None:
    play = plays.of(task)
    written = {path.name for path in play.prepare(tmp_path)}
    dropped = {play.first, play.second, play.shuffled, play.broken, play.reshaped}
    asked = set(play.asked) if task == "image" else set()
    assert written == dropped - {None} | asked


@pytest.mark.parametrize("task", ROWS)
def test_it_says_how_its_rows_look(task: str, tmp_path: Path) -> None:
    play = plays.of(task)
    play.prepare(tmp_path)
    label = plays.of(task).settings["data"].get("label", "label")
    lines = (tmp_path / play.first).read_text(encoding="utf-8").splitlines()
    assert label in lines[0].split(",")
    shown = next(line for line in play.format.splitlines() if "JSON lines  {" in line).split("JSON lines")[1]
    assert set(json.loads(shown)) <= set(lines[0].split(","))
