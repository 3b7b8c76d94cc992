"""The first thing that runs in a Python function's process: it takes away what Lambda does not have.

    python -I -S -B worker.py SCRIPT MODULES HANDLER

SCRIPT then serves the invocations of HANDLER; MODULES is the only folder beside the standard library to import from,
until the script adds the function's code. This file is run by path, and imports nothing that Lambda does not have.
"""

from __future__ import annotations

import errno
import importlib
import os
import resource
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_FILES: Final = 1024
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class InitError(Exception):
    """A function cannot be initialized; the text is "ErrorType: message", as Lambda's runtime says both."""


def main() -> None:
    """Confine this process, then become the script."""
    script, modules, handler = sys.argv[1:]
    sys.argv[1:] = []
    sys.path.append(modules)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    _no_shared_memory()
    _only_temporary_files()
    _errors_as_lambda_words_them(handler)
    # A module of its own: the script defines names at its top level and looks them up there.
    exec(compile(Path(script).read_text(encoding="utf-8"), script, "exec"), {"__name__": "__main__"})


def _no_shared_memory() -> None:
    """Lambda has no /dev/shm: multiprocessing's locks, queues and pools fail there, threads work."""
    locks = importlib.import_module("_multiprocessing")

    class SemLock:
        SEM_VALUE_MAX = 2**31 - 1

        def __new__(cls, *_arguments: object, **_named: object) -> SemLock:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    locks.SemLock = SemLock  # type: ignore[attr-defined]


def _only_temporary_files() -> None:
    """Python code can write below the temporary folder only, which stands for Lambda's /tmp; the rest is read-only.

    A hook and not the files' modes, which do not bind root. Compiled code goes past it.
    """
    allowed = (os.path.realpath(tempfile.gettempdir()) + os.sep, "/dev/")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            paths = [path] if isinstance(flags, int) and flags & _WRITING and not isinstance(path, int) else []
        elif event == "os.mkdir":
            paths = [arguments[0]]
        elif event == "os.rename":
            paths = list(arguments[:2])
        else:
            return
        for path in map(os.fsdecode, paths):
            # The folder itself counts, too: tempfile opens it by name to make a file in it.
            if not f"{os.path.realpath(path)}{os.sep}".startswith(allowed):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    sys.addaudithook(hook)


def _errors_as_lambda_words_them(handler: str) -> None:
    """The first import of the handler's module fails as in Lambda's runtime interface client (awslambdaric)."""
    module, _, function = handler.replace("/", ".").rpartition(".")
    original = importlib.import_module

    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name != module:
            return original(name, package)
        importlib.import_module = original
        try:
            loaded = original(name)
        except ImportError as error:
            raise InitError(f"Runtime.ImportModuleError: Unable to import module '{module}': {error}") from error
        except SyntaxError as error:
            raise InitError(f"Runtime.UserCodeSyntaxError: Syntax error in module '{module}': {error}") from error
        except Exception as error:
            raise InitError(f"{type(error).__name__}: {error}") from error
        if not hasattr(loaded, function):
            raise InitError(f"Runtime.HandlerNotFound: Handler '{function}' missing on module '{module}'")
        return loaded

    importlib.import_module = import_module


if __name__ == "__main__":
    main()
