"""A contender's processes, from their start to their end: bound to CPUs, asked over HTTP, and their memory added up.

Linux only: /proc and the scheduler's affinity are its.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from bench.client import Refused, ask
from bench.contenders import Contender
from bench.environments import CACHE

# How long a server may take to its first answer, and how often it is asked for it.
_PATIENCE: Final = 180.0
_PAUSE: Final = 0.002


class DidNotStart(Exception):
    """The server ended or kept silent; the message names its log."""


@dataclass(frozen=True)
class Running:
    """A server that answers on `port`: seconds from its process's start to its first prediction over HTTP."""

    process: subprocess.Popen[bytes]
    port: int
    cold_start: float

    def peak_mb(self) -> float:
        """Peak resident memory in MB: each process's own peak (VmHWM of proc_pid_status(5)), added up.

        A process that left the tree counts as well: all that have the server's session are taken.
        """
        return sum(_peak_kb(pid) for pid in _session(self.process.pid)) / 1024


@contextmanager
def running(contender: Contender, cpus: Sequence[int], *, from_start: bool = True) -> Iterator[Running]:
    """Start `contender` on `cpus` (sched_setaffinity(2), which its children inherit) and wait until it predicts.

    Without `from_start` it is bound only then, so that it starts as under a quota, which hides no CPU from it.
    Raises DidNotStart.
    """
    port = _free_port()
    command = [part.replace("{port}", str(port)) for part in contender.command]
    variables = {name: value.replace("{port}", str(port)) for name, value in contender.variables.items()}
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    log = CACHE / "server.log"
    first = cpus if from_start else sorted(os.sched_getaffinity(0))
    bound = [shutil.which("taskset") or "taskset", "--cpu-list", ",".join(map(str, first)), *command]
    with log.open("wb") as stream:
        began = time.perf_counter()
        process = subprocess.Popen(
            bound, cwd=CACHE, env=inherited | variables, stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            _first_answer(process, port, contender.first, began, log)
            cold_start = time.perf_counter() - began
            for pid in _session(process.pid):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), cpus)
            yield Running(process, port, cold_start)
        finally:
            for pid in _session(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def evict(folders: Sequence[Path]) -> None:
    """Evict the folders' files from the page cache (posix_fadvise(2), POSIX_FADV_DONTNEED); what is mapped stays."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)


def _free_port() -> int:
    # multi-model-server takes no port beyond 32767, which is where Linux gives free ones.
    for port in range(20_000, 32_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise DidNotStart("no port from 20000 to 32000 is free")


def _first_answer(process: subprocess.Popen[bytes], port: int, first: bytes, began: float, log: Path) -> None:
    while time.perf_counter() - began < _PATIENCE:
        if process.poll() is not None:
            break
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
            ask(connection, first)
            connection.close()
            return
        except (OSError, HTTPException, Refused):
            # Not listening yet, or a front end whose model is still loading.
            time.sleep(_PAUSE)
    raise DidNotStart(f"no prediction within {_PATIENCE:.0f} s, or the server ended: {log}")


def _session(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(ProcessLookupError):
                if os.getsid(int(path.name)) == leader:
                    found.append(int(path.name))
    return found


def _peak_kb(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0
