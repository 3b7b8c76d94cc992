"""What is particular to a task: one folder for each, and nothing outside names one.

A folder has `settings.py` (what may be set for its training), `row.py` (pure: the columns of a row, and how it is
asked), `train.py` (heavy: what a training job does) and `predict.py` (slim: how the model answers, in serving, Screen
and Evaluate), and the requirements of the latter two. Where what is dropped is no table, it has `read.py`, too: how
such a file becomes rows.
A task is named as its folder; where the answer is a number, with `-regression` behind it. `tasks/contract.py` says what
each module gives.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from domain.settings import Kind
    from tasks.contract import Predict, Read, RowOf, Train

_FOLDER: Final = Path(__file__).parent
# Behind a folder's name, where the answer is a number and not one of some labels.
_REGRESSION: Final = "-regression"
# What artifacts of earlier releases call a task.
_EARLIER: Final = {"text-classification": "text"}


def names() -> tuple[str, ...]:
    """The tasks there are, in order: of each folder with a `row.py` one for each kind that its `MEASURES` have."""
    suffixes = {"classification": "", "regression": _REGRESSION}
    return tuple(f"{folder}{suffixes[kind]}" for folder in folders() for kind in row(folder).MEASURES)


def folders() -> list[str]:
    """The names of the folders that have a `row.py`, in order. Nothing is imported: an image has one task's alone."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/row.py"))


def folder(task: str) -> str:
    """The name of a task's folder."""
    return task.removesuffix(_REGRESSION)


def kind(task: str) -> Kind:
    """What a model of the task answers."""
    return "regression" if task.endswith(_REGRESSION) else "classification"


def measures(task: str) -> tuple[str, ...]:
    """The keys of the measures that models of the task are judged by."""
    return row(task).MEASURES[kind(task)]


def of_manifest(name: str) -> str:
    """The task that an artifact's manifest names, today's name for an earlier one."""
    return _EARLIER.get(name, name)


def row(task: str) -> RowOf:
    """A task's `row.py`. Raises ModuleNotFoundError if there is no such task."""
    return cast("RowOf", import_module(f"tasks.{folder(task)}.row"))


def read(task: str) -> Read | None:
    """A task's `read.py`; None if what is dropped for it is a table."""
    if not (_FOLDER / folder(task) / "read.py").is_file():
        return None
    return cast("Read", import_module(f"tasks.{folder(task)}.read"))


def predict(task: str) -> Predict:
    """A task's `predict.py`. Raises ModuleNotFoundError if there is no such task, or none in this package."""
    return cast("Predict", import_module(f"tasks.{folder(task)}.predict"))


def train(task: str) -> Train:
    """A task's `train.py`. Raises ModuleNotFoundError if there is no such task, or none in this package."""
    return cast("Train", import_module(f"tasks.{folder(task)}.train"))
