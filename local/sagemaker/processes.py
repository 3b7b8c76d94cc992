"""Subprocesses that can be stopped for good: each leads its own process group, within the server's session.

The session is what `local/guard.py` kills when the server is gone, so a child never outlives the server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def spawn(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command with its output in `log`, as leader of a new process group."""
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL whatever is left of the group (its leader may be gone already) and reap the leader."""
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def terminate(process: subprocess.Popen[bytes], grace: float) -> None:
    """SIGTERM to the leader alone, then SIGKILL to the group after `grace` seconds.

    Only the leader is told: in AWS's images the signal reaches the container's first process and never the
    training script (sagemaker-training-toolkit, issues 125 and 173), so a script must not find help here that it
    lacks there.
    """
    if process.poll() is None:
        process.terminate()
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and _group_alive(process):
        time.sleep(0.05)
    kill_group(process)


def _group_alive(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    return _signal(process.pid, 0)


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
