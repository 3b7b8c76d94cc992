"""Seconds and memory of one piece of work, in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a piece of work took: seconds of CPU, resident MB before it and at most."""

    seconds: float
    idle_mb: float
    peak_mb: float

    @property
    def grown_mb(self) -> float:
        """Memory over the idle process."""
        return self.peak_mb - self.idle_mb


@contextmanager
def measured() -> Iterator[None]:
    """Print the cost of the block as the last line, for `run`."""
    idle, start = _memory("VmRSS"), time.process_time()
    yield
    print(json.dumps([time.process_time() - start, idle, _memory("VmHWM")]))


def run(module: str, *arguments: str | Path) -> Cost:
    """The cost that `python -m module` measured. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Cost(*json.loads(said.splitlines()[-1]))


def _memory(field: str) -> float:
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    if not found:
        raise OSError(f"no {field} in /proc/self/status: memory is measured on Linux")
    return int(found[1]) / 1024
