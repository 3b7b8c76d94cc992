"""Done once: of several functions that could tell a person something, one does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from domain.state import Run
from lambdas.environment import Environment, now

_REMEMBER: Final = timedelta(days=90)
# Far longer than publishing takes, far shorter than the functions that do it may run.
_TURN_SECONDS: Final = 10


def end_of(run: Run) -> str:
    """The marker of how a run ended, which Announce tells, or Reconcile if that never came to it.

    Raises LookupError for a run that is not concluded.
    """
    return f"end#{run.run}#{run.ending}"


@contextmanager
def once(env: Environment, marker: str) -> Iterator[bool]:
    """Whether the block is to do what `marker` stands for; False if it was done. Another that is at it is waited for.

    It is marked after the block: of what is killed in between, a person hears twice rather than never.
    """
    while (whose := env.ledger.turn(marker, _epoch(), _epoch() + _TURN_SECONDS)) == "theirs":
        time.sleep(1)
    yield whose == "ours"
    if whose == "ours":
        env.ledger.mark(marker, int((now() + _REMEMBER).timestamp()))


def _epoch() -> int:
    return int(now().timestamp())
