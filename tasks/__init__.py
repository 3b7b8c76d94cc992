"""What is particular to a task: one folder for each, and nothing outside names one.

A folder has `settings.py` (what may be set for its training), `row.py` (pure: the columns of a row, and how it is
asked), `train.py` (heavy: what a training job does) and `predict.py` (slim: how the model answers, in serving, Screen
and Evaluate), and the requirements of the latter two.
`tasks/contract.py` says what each of them gives.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from tasks.contract import Predict, RowOf, Train

_FOLDER: Final = Path(__file__).parent
# What artifacts of earlier releases call a task.
_EARLIER: Final = {"text-classification": "text"}


def names() -> tuple[str, ...]:
    """The tasks there are: the names of the folders with a `row.py`, in order."""
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/row.py")))


def of_manifest(name: str) -> str:
    """The task that an artifact's manifest names, today's name for an earlier one."""
    return _EARLIER.get(name, name)


def row(task: str) -> RowOf:
    """A task's `row.py`. Raises ModuleNotFoundError if there is no such task."""
    return cast("RowOf", import_module(f"tasks.{task}.row"))


def predict(task: str) -> Predict:
    """A task's `predict.py`. Raises ModuleNotFoundError if there is no such task, or none in this package."""
    return cast("Predict", import_module(f"tasks.{task}.predict"))


def train(task: str) -> Train:
    """A task's `train.py`. Raises ModuleNotFoundError if there is no such task, or none in this package."""
    return cast("Train", import_module(f"tasks.{task}.train"))
