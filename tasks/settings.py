"""The settings of a project whose task is known: what its training takes is the task's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Literal

from pydantic import create_model

import tasks
from domain.data.settings import DataSettings
from domain.settings import Settings, TrainingSettings


class UnknownTask(ValueError):
    """The settings name a task that has no folder."""


@cache
def of(task: str) -> type[Settings]:
    """The settings that a project with this `task` may have. Raises UnknownTask."""
    own, data = training(task), _data(task)
    named = Literal[task]  # type: ignore[valid-type]  # known when it runs
    return create_model("Settings", __base__=Settings, task=(named, task), data=(data, data()), training=(own, own()))


def of_project(raw: Mapping[str, object]) -> type[Settings]:
    """The settings that `raw`, as they stand in cdk.json, may have by the task that they name. Raises UnknownTask."""
    task = raw.get("task", Settings.model_fields["task"].default)
    if not isinstance(task, str):
        raise _unknown(task)
    return of(task)


def training(task: str) -> type[TrainingSettings]:
    """The training's settings of `task`. Raises UnknownTask."""
    if task not in tasks.names():
        raise _unknown(task)
    found: type[TrainingSettings] = _settings(task).Training
    return found


def _data(task: str) -> type[DataSettings]:
    """How files are read and split for `task`, with its own defaults if it has any."""
    found: type[DataSettings] = getattr(_settings(task), "Data", DataSettings)
    return found


def _settings(task: str) -> ModuleType:
    return import_module(f"tasks.{tasks.folder(task)}.settings")


def _unknown(task: object) -> UnknownTask:
    return UnknownTask(f"task is {json.dumps(task)}, but must be one of {', '.join(tasks.names())}")
