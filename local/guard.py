"""The last one out: kills what is left of the server's session once the server is gone, however it went.

Started by the launcher with the read end of a pipe as standard input. The server holds the only write end, so end
of file means that the server is dead, also by SIGKILL. Everything that the server starts stays in its session
(training, serving, Lambda workers), which is what makes them findable without the server's help.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def members(session: int) -> list[int]:
    """Process ids of a session, this process left out."""
    return [pid for pid in _all_pids() if pid != os.getpid() and _session(pid) == session]


def kill_session(session: int) -> None:
    """SIGKILL until nothing of the session is left: a process may fork while it is being looked for."""
    while pids := members(session):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def main() -> None:
    """`python guard.py <session id>`, with the pipe as standard input."""
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, signal.SIG_IGN)
    while os.read(0, 1024):
        continue
    kill_session(int(sys.argv[1]))


def _session(pid: int) -> int | None:
    try:
        session = os.getsid(pid)
        state = _state(pid)
    except (ProcessLookupError, PermissionError):
        return None
    return None if state == "Z" else session


def _state(pid: int) -> str:
    """A zombie is nobody's problem but its parent's."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return ""
    try:
        return path.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def _all_pids() -> list[int]:
    proc = Path("/proc/self")
    if proc.exists():
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    listing = subprocess.run(["ps", "-axo", "pid="], capture_output=True, text=True, check=True)
    return [int(line) for line in listing.stdout.split()]


if __name__ == "__main__":
    main()
