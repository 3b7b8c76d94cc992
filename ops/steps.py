"""A step of something longer: a spinner while it goes on, one line with its time when it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console

from ops.console import seconds, styled

_WIDTH = 62


@contextmanager
def step(title: str, console: Console) -> Iterator[None]:
    """Show `title` while the block runs, then with the time it took. A failure is shown too, and passes on."""
    started = time.monotonic()
    with console.status(styled(title)) if console.is_terminal else nullcontext():
        try:
            yield
        except BaseException:
            console.print(styled(("✘", "red"), f" {title}"))
            raise
    console.print(styled(("✔", "green"), f" {title:{_WIDTH}} {seconds(time.monotonic() - started):>10}"))
