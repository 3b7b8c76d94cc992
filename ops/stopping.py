"""Ending at any moment without leaving anything behind: signals become exceptions, so that every `with` is left."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it SIGTERM and SIGHUP end the process as Ctrl-C does: from the inside out."""

    def stop(number: int, _frame: FrameType | None) -> None:
        # A second signal must not interrupt the cleaning up after the first.
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
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
        signal.pause()
