"""Handlers run in the process of the tests, where all is installed. What their package lacks is refused to them.

A module's own imports are tried elsewhere, where nothing else is there at all (`tests/stacks/test_handlers.py`). This
is about those that a handler comes to while it works: in a function's body, ours or a library's.
"""

from __future__ import annotations

import builtins
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from local.functions.modules import RUNTIME, pins
from stacks.bundling import EVALUATE, LIGHT, Package
from stacks.paths import ROOT

_HANDLERS: Final = ("handler", "on_event", "is_complete")
_RULE: Final = "light functions need no model runtime"


def confine(patch: pytest.MonkeyPatch) -> None:
    """From now on an import below a handler fails, as Python words it, unless its package or Lambda has the module."""
    original, light = builtins.__import__, _light()
    # Read before the hook is there: reading imports, too.
    modules = {package.name: _modules(package) for package in (LIGHT, EVALUATE)}

    def importing(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if level == 0 and globals:
            top, importer = name.partition(".")[0], str(globals.get("__name__")).partition(".")[0]
            handler = _handler(sys._getframe(1))
            own = modules[LIGHT.name if handler in light else EVALUATE.name] if handler else frozenset()
            # What the tests' own tools import meanwhile is theirs.
            if importer in own and top not in own | sys.stdlib_module_names:
                raise ModuleNotFoundError(f"No module named {top!r}", name=top)
        return original(name, globals, locals, fromlist or (), level)

    patch.setattr(builtins, "__import__", importing)


def _handler(frame: FrameType | None) -> str:
    """The module of the handler that runs, or "" if none does."""
    while frame:
        module = str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name in _HANDLERS and module.startswith("lambdas."):
            return module
        frame = frame.f_back
    return ""


def _light() -> frozenset[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return frozenset(next(item["source_modules"] for item in contracts if item["name"] == _RULE))


def _modules(package: Package) -> frozenset[str]:
    """The top-level names of what the package and Lambda's runtime hold."""
    listed = "\n".join((ROOT / file).read_text("utf-8") for file in package.requirements("text"))
    files = [file for name in (*RUNTIME, *pins(listed)) for file in distribution(name).files or []]
    return frozenset({Path(file.parts[0]).stem for file in files} | {*package.code, "tasks"})
