"""Whatever signal ends the command, what it started is cleaned up first."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from ops.stopping import stoppable, wait_for_stop
with stoppable():
    try:
        print("up", flush=True)
        wait_for_stop()
    finally:
        print("cleaned up", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_every_block(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # As a shell starts what it puts in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    assert process.communicate(timeout=30)[0] == "cleaned up\n"
    assert process.returncode != 0
