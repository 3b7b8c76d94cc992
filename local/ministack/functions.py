"""Lambda functions: where MiniStack 1.5.33 gives them more than AWS does.

It runs a function with all that the server's own interpreter has, with the server's environment, and lets it run on
between calls. Here a function gets its package's modules (`local/functions`), Lambda's environment, and no time that
nobody asked for.
"""

from __future__ import annotations

import contextvars
import os
import re
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ministack.core import lambda_runtime

from local.functions import modules, surroundings, worker

_PROGRAM: Final = str(Path(worker.__file__))
_INIT_FAILED: Final = re.compile(r"Worker init failed: ([A-Za-z_][\w.]*): (.*)", re.DOTALL)
_starting: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("starting")


def apply() -> None:
    """Apply every patch."""
    lambda_runtime.subprocess = _Subprocess()
    lambda_runtime.Worker._spawn = _spawn(lambda_runtime.Worker._spawn)
    lambda_runtime.Worker.invoke = _frozen_between_calls(lambda_runtime.Worker.invoke)
    lambda_runtime._signal = _kill


class _Subprocess:
    """The module `subprocess`, except that a Python function's process is confined."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(line: list[str], *, cwd: str, env: dict[str, str], **named: Any) -> subprocess.Popen[str]:  # noqa: N802
        """Start a function's process; `cwd` is the folder with its code."""
        program, script = line
        if program != sys.executable:
            return subprocess.Popen(line, cwd=cwd, env=env, **named)
        config, code = _starting.get(), Path(cwd)
        listed = code / modules.REQUIREMENTS
        own = modules.folder(
            listed.read_text("utf-8") if listed.exists() else "", Path(tempfile.gettempdir()) / "modules"
        )
        temporary = code.with_name("tmp")
        temporary.mkdir()
        variables = surroundings.variables(config, env, os.environ, code=cwd, modules=str(own))
        return subprocess.Popen(
            [program, "-I", "-S", "-B", _PROGRAM, script, str(own), config["Handler"]],
            cwd=cwd,
            env={**variables, "TMPDIR": str(temporary)},
            **named,
        )


def _spawn(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Tell Popen whose process it starts; an error of its start has Lambda's name and words."""

    def spawn(self: Any) -> None:
        token = _starting.set(self.config)
        try:
            original(self)
        except RuntimeError as error:
            if found := _INIT_FAILED.fullmatch(str(error)):
                raise _named(found[1], found[2]) from error
            if str(error).startswith("Worker process exited immediately"):
                words = f"RequestId: {uuid.uuid4()} Error: Runtime exited without providing a reason"
                raise _named("Runtime.ExitError", words) from error
            raise
        finally:
            _starting.reset(token)

    return spawn


def _named(kind: str, message: str) -> RuntimeError:
    """An error that MiniStack reports with the errorType `kind`: it takes the name of the class."""
    error: RuntimeError = type(kind, (RuntimeError,), {})(message)
    return error


def _frozen_between_calls(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A function's process stands still from its answer until it is asked again, as Lambda freezes environments."""

    def invoke(self: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        _send(self._proc, signal.SIGCONT)
        try:
            return original(self, *arguments, **named)
        finally:
            _send(self._proc, signal.SIGSTOP)

    return invoke


def _send(process: subprocess.Popen[str] | None, number: signal.Signals) -> None:
    if process is not None:
        process.send_signal(number)  # does nothing where it has ended


def _kill(process: subprocess.Popen[str] | None) -> None:
    """Lambda gives a function without extensions no SIGTERM, and a frozen process would not see it."""
    if process is not None:
        process.kill()
