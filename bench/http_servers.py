"""Part `http_servers`: which maintained HTTP server carries our application best (docs/decisions/23)."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice
from statistics import median
from typing import Final

from bench.client import FIRST, Refused, ask, bodies, latencies, percentile
from bench.contenders import Contender, ours
from bench.environments import environment
from bench.fuzz import small
from bench.report import Result, Table
from bench.server import running
from ops.bootstrap import ROOT

SERVERS: Final = ("waitress", "cheroot", "gunicorn", "uvicorn", "granian")
SLOW: Final = 300
_REQUESTS: Final = 200
# Within which a client must be answered although others are slow: SageMaker gives a request 60 s, a user less.
_PATIENCE: Final = 2.0
_ASKED: Final = 10
_HEADER: Final = (
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
)
_BEGINNINGS: Final = (b"", b"POST /invocations HTTP/1.1\r\nX-Endless: ", _HEADER)


def run(full: bool) -> Result:
    """Start the application under each server in turn: its cold start, memory, latency, and what slow clients do."""
    own = ours(small("text"))
    contenders = [_under(name, own) for name in SERVERS]
    cpus = sorted(os.sched_getaffinity(0))
    starts: dict[str, list[float]] = defaultdict(list)
    peaks: dict[str, list[float]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    answered: dict[str, list[int]] = defaultdict(list)
    rounds = 7 if full else 3
    for _ in range(rounds):
        for contender in contenders:
            with running(contender, cpus) as server:
                starts[contender.name].append(1000 * server.cold_start)
                alone[contender.name] += [1000 * value for value in latencies(server.port, bodies(), _REQUESTS)]
                peaks[contender.name].append(server.peak_mb())
                with _slow_clients(server.port):
                    answered[contender.name].append(_answered(server.port))
    rows = [
        (
            name,
            median(starts[name]),
            min(starts[name]),
            median(peaks[name]),
            median(alone[name]),
            percentile(alone[name], 0.99),
            f"{min(answered[name])} of {_ASKED}",
        )
        for name in SERVERS
    ]
    columns = ("server", "cold ms", "least ms", "peak MB", "p50 ms", "p99 ms", f"answered beside {SLOW} slow")
    notes = (
        f"{rounds} rounds in turns; a tiny model, so that the server is what differs; {_REQUESTS} requests a round",
        f"slow: {SLOW} connections that say nothing, or a byte now and then, of header or body; meanwhile a client",
        f"asks {_ASKED} times and waits {_PATIENCE:g} s each; the worst round",
        f"waitress with the limits that serving/ gives it, the others with their own, none of which is below {SLOW}",
    )
    return Result("HTTP servers", [Table("Our application under maintained HTTP servers", columns, rows, notes)])


def _under(name: str, own: Contender) -> Contender:
    python, program = environment("servers") / "bin" / "python", ROOT / "bench" / "programs" / "http_server.py"
    return replace(own, name=name, command=(str(python), str(program), name, "{port}"))


@contextmanager
def _slow_clients(port: int) -> Iterator[None]:
    done = threading.Event()
    with ExitStack() as stack:
        speaking = []
        for beginning in islice(cycle(_BEGINNINGS), SLOW):
            # A server that takes no more connections is told from its answers, below.
            with suppress(OSError):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=1))
                client.sendall(beginning)
                if beginning:
                    speaking.append(client)

        def drip() -> None:
            while not done.wait(0.5):
                for client in speaking:
                    with suppress(OSError):
                        client.sendall(b" ")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            # As long as it takes a server to give each of them a thread, if it does.
            time.sleep(1)
            yield
        finally:
            done.set()
            dripping.join()


def _answered(port: int) -> int:
    answers = 0
    for _ in range(_ASKED):
        with suppress(OSError, HTTPException, Refused):
            with closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)) as connection:
                ask(connection, FIRST)
            answers += 1
    return answers
