"""Ending at any moment without leaving anything behind: signals become exceptions, so that every `with` is left."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Ctrl-C too: a shell starts what it puts in the background with that one ignored.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it SIGTERM and SIGHUP end the process as Ctrl-C does: from the inside out. Only in the main thread."""

    def stop(number: int, _frame: FrameType | None) -> None:
        # A second signal must not interrupt the cleaning up after the first.
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for_stop() -> None:
    """Do nothing until a signal comes."""
    while True:
        # Not signal.pause(): a signal that came right before it would be waited for.
        time.sleep(1)
