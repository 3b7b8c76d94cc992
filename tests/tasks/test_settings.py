"""What a project may set for its task's training: the task's own, with its own defaults, and nothing of another's."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, get_type_hints

import pytest
from pydantic import ValidationError

import tasks
from domain.settings import Settings
from tasks.settings import UnknownTask, of, of_project, training


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"hyperparameters": {"epochs": 0}}, "training.hyperparameters.epochs"),
        ({"hyperparameters": {"max_length": 513}}, "training.hyperparameters.max_length"),
        ({"hyperparameters": {"max_lenght": 64}}, "training.hyperparameters.max_lenght"),
        ({"base_model": None}, "training.base_model"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place(given: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as refused:
        of("text").model_validate({"training": given})
    assert [".".join(map(str, error["loc"])) for error in refused.value.errors()] == [where]


@pytest.mark.parametrize("unknown", ["poetry", 3, None, ["text"], "../text"])
def test_a_task_without_a_folder_is_named(unknown: object) -> None:
    with pytest.raises(UnknownTask, match="but must be one of"):
        of_project({"task": unknown})


@pytest.mark.parametrize("task", tasks.names())
def test_the_functions_read_what_synth_accepted(task: str) -> None:
    """They know no task's own settings, and hand them on."""
    accepted = of(task)(project="shop")
    read = Settings.model_validate_json(accepted.model_dump_json())
    assert read.model_dump() == accepted.model_dump()
    assert (read.task, read.training.instance_type) == (task, accepted.training.instance_type)


@pytest.mark.parametrize("task", tasks.names())
def test_the_job_takes_what_the_settings_have(task: str) -> None:
    """By the same names and types, each a number or a text, and none is let in that it does not know."""
    given = type(training(task)().hyperparameters)
    taken = tasks.train(task).Hyperparameters
    hints = get_type_hints(taken)
    assert {name: field.annotation for name, field in given.model_fields.items()} == hints
    assert set(hints.values()) <= {int, float, str}
    assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(taken))
    with pytest.raises(ValidationError):
        given.model_validate({"unknown": 1})


def test_the_default_base_model_is_pinned_to_a_commit() -> None:
    assert re.fullmatch("[0-9a-f]{40}", of("text")().training.base_revision or "")
