"""A function that does what it is told in its event, and says what it found."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

ticks = 0


def handler(event: dict[str, Any], context: Any) -> Any:
    return globals()[event["do"]](event, context)


def environment(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    return {
        "variables": dict(os.environ),
        "directory": str(Path.cwd()),
        "time_zone": time.tzname[0],
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "encoding": sys.getfilesystemencoding(),
        "process": os.getpid(),
        "seconds": context.get_remaining_time_in_millis() / 1000,
    }


def imports(event: dict[str, Any], _context: Any) -> dict[str, str]:
    found = {}
    for name in event["names"]:
        try:
            found[name] = import_module(name).__name__
        except ImportError as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


def writes(event: dict[str, Any], _context: Any) -> list[str]:
    """What became of a file, a folder and a move, here and in the temporary folder."""
    found = []
    for folder in (Path(event.get("folder", ".")).resolve(), Path(tempfile.gettempdir())):
        for act in (lambda f: (f / "file").write_text("x"), lambda f: (f / "new").mkdir(), _move_into):
            try:
                act(folder)
                found.append("done")
            except OSError as error:
                found.append(str(error.strerror))
    return found


def _move_into(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(delete=False) as file:
        os.rename(file.name, folder / "moved")


def threads_and_locks(_event: dict[str, Any], _context: Any) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(str, range(2)))
    try:
        multiprocessing.Lock()
    except OSError as error:
        found.append(str(error.strerror))
    return found


def sleep(event: dict[str, Any], _context: Any) -> int:
    """A thread of its own goes on counting while, and after, this sleeps."""
    threading.Thread(target=_count, daemon=True).start()
    time.sleep(event["seconds"])
    return os.getpid()


def _count() -> None:
    global ticks
    while True:
        ticks += 1
        time.sleep(0.01)
