"""The stories: a module for each folder of `tasks` that has one, by its name; in it `PLAYS`, one for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tasks
from domain.settings import Settings
from ops.demo.play import Play
from ops.errors import Unusable

if TYPE_CHECKING:
    from domain.settings import Kind

_FOLDER: Final = Path(__file__).parent
_DEFAULT: Final = str(Settings.model_fields["task"].default)


def of(task: str | None = None) -> Play:
    """The story of a task, of the settings' default if none is named. Raises Unusable for a task without one."""
    wanted = _DEFAULT if task is None else task
    known = {name: play for name in tasks.names() if (play := _plays(tasks.folder(name)).get(tasks.kind(name)))}
    if wanted not in known:
        raise Unusable(f"there is no demo of the task {wanted!r}, but of {', '.join(known)}")
    option = "" if wanted == _DEFAULT else f" --task {wanted}"
    return replace(known[wanted], settings={"task": wanted, **known[wanted].settings}, option=option)


def _plays(folder: str) -> Mapping[Kind, Play]:
    if not (_FOLDER / f"{folder}.py").is_file():
        return {}
    found: Mapping[Kind, Play] = import_module(f"{__name__}.{folder}").PLAYS
    return found
