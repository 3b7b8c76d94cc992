"""Plays cases on several local clouds at a time, each in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tests.faults.case import Case, Result
from tests.faults.matrix import play
from tests.faults.rig import deployed


def played(cases: list[Case], *, clouds: int) -> Iterator[Result]:
    """The result of each case, as it comes; of a player that breaks off, those until then."""
    context = get_context("spawn")
    with ExitStack() as stack:
        listening: list[Connection] = []
        for turn in range(clouds):
            ours, theirs = context.Pipe(duplex=False)
            player = context.Process(target=_play, args=(cases[turn::clouds], theirs))
            player.start()
            stack.callback(player.join)
            theirs.close()
            listening.append(ours)
        while listening:
            for ready in wait(listening):
                assert isinstance(ready, Connection)
                try:
                    yield ready.recv()
                except EOFError:
                    listening.remove(ready)


def _play(cases: list[Case], to: Connection) -> None:
    with tempfile.TemporaryDirectory() as directory, deployed(Path(directory)) as rig:
        for case in cases:
            to.send(play(rig, case))
