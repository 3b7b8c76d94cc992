"""Part `load`: how fast a request of about 40 words is answered, alone and among others, on one CPU and on two."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from statistics import median
from typing import Final

from bench.client import WORDS, latencies, percentile, throughput
from bench.contenders import FASTAPI, OURS, TOOLKIT, Contender, contenders
from bench.model import Model, distilbert
from bench.profile import apart
from bench.report import Result, Table, Target
from bench.server import running
from domain.artifact import MODEL

CLIENTS: Final = (1, 4, 16)
P50_AGAINST_FASTAPI: Final = 3.0
THROUGHPUT_AGAINST_FASTAPI: Final = 4.0
_TOKENS: Final = 50
_MISSED: Final = {
    1: "onnxruntime, imported by a process that may use one CPU of several, takes no AMX: see the profile, and the "
    "table of servers that were bound once up",
    2: "torch spreads one text over both CPUs; ours reads it on one, which serves several clients best",
}


def run(full: bool) -> Result:
    """Ask every server in turn, several rounds, bound to one CPU and then to two."""
    model = distilbert()
    cpus = sorted(os.sched_getaffinity(0))
    effort = (5, 150, 4.0) if full else (3, 40, 1.5)
    tables: list[Table] = []
    targets: list[Target] = []
    figures: dict[str, float] = {}
    for count in sorted({1, min(2, len(cpus))}):
        found, notes = contenders(model, count)
        on = f"on {count} CPU{'s'[: count > 1]}"
        bound = "servers are bound (taskset) from their start; the clients may use all CPUs, so they share them"
        table = _table(f"servers {on}", _rounds(found, cpus[:count], True, *effort), *effort, [bound, *notes])
        tables.append(table)
        rows = {str(row[0]): [float(cell or 0) for cell in row[1:]] for row in table.rows}
        (own_p50, _, _, own_4, *_), (other_p50, _, _, other_4, *_) = rows[OURS], rows[FASTAPI]
        targets += [
            Target.at_least(
                f"p50 against {FASTAPI}, {on}", P50_AGAINST_FASTAPI, other_p50 / own_p50, "×", _MISSED[count]
            ),
            Target.at_least(
                f"throughput against {FASTAPI}, 4 clients, {on}",
                THROUGHPUT_AGAINST_FASTAPI,
                own_4 / other_4,
                "×",
                _MISSED[count],
            ),
        ]
        figures |= {f"p50, ms, {on}: {name}": row[0] for name, row in rows.items()}
        figures |= {f"answers/s, 4 clients, {on}: {name}": row[3] for name, row in rows.items()}
    if len(cpus) > 1:
        rounds, requests, seconds = effort
        tables += [_bound_late(model, cpus, max(2, rounds - 1), requests, seconds), _profile(model, cpus)]
    return Result(f"Requests of {WORDS} words", tables, targets, figures)


def _bound_late(model: Model, cpus: list[int], rounds: int, requests: int, seconds: float) -> Table:
    """On one CPU as a container is: its quota hides no CPU, and it is told by OMP_NUM_THREADS to take one thread."""
    found = [
        replace(contender, variables={**contender.variables, "OMP_NUM_THREADS": "1"})
        for contender in contenders(model)[0]
        # It takes longest to start, and its worker sets one thread by itself.
        if contender.name != TOOLKIT
    ]
    effort = rounds, requests, seconds
    note = "the servers start with all CPUs and OMP_NUM_THREADS=1, and are bound to one after their first answer"
    return _table("servers on 1 CPU, bound once up", _rounds(found, cpus[:1], False, *effort), *effort, [note])


def _profile(model: Model, cpus: list[int]) -> Table:
    """What binding a process to one of its machine's CPUs costs a text: onnxruntime then chooses other kernels."""
    one, all_of_them = (apart(model.artifact / MODEL, _TOKENS, ",".join(map(str, some))) for some in (cpus[:1], cpus))
    return Table(
        f"Milliseconds a text of {_TOKENS} tokens, one thread, as onnxruntime profiles them",
        ("", "bound to one CPU before importing onnxruntime", f"free to use all {len(cpus)}"),
        [(kind, one[kind], all_of_them[kind]) for kind in one],
        (
            "onnxruntime uses the tile registers (AMX) only if it could look at every CPU of the machine; "
            "the answers are the same to the last bit",
            "a container's CPU limit is a quota as a rule, which hides no CPU",
        ),
    )


def _rounds(
    found: list[Contender], cpus: list[int], from_start: bool, rounds: int, requests: int, seconds: float
) -> dict[str, list[list[float]]]:
    """For each server, a list per round: its latencies in seconds, then answers/s for each number of clients."""
    measured: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(rounds):
        for contender in found:
            with running(contender, cpus, from_start=from_start) as server:
                alone = latencies(server.port, requests)
                many = [throughput(server.port, clients, seconds) for clients in CLIENTS]
            measured[contender.name].append([*alone, *many])
    return measured


def _table(
    where: str, measured: dict[str, list[list[float]]], rounds: int, requests: int, seconds: float, notes: list[str]
) -> Table:
    shown: list[tuple[str, list[float]]] = []
    for name, of_rounds in measured.items():
        alone = [1000 * value for values in of_rounds for value in values[:requests]]
        many = [median(values[requests + place] for values in of_rounds) for place in range(len(CLIENTS))]
        shown.append((name, [median(alone), percentile(alone, 0.99), *many]))
    own = dict(shown)[OURS]
    return Table(
        f"Latency of one client, answers a second of several; {where}",
        ("server", "p50 ms", "p99 ms", *(f"{n}: answers/s" for n in CLIENTS), "p50 / ours", "ours / its, 4 clients"),
        [(name, *figures, figures[0] / own[0], own[3] / figures[3]) for name, figures in shown],
        [
            f"{rounds} rounds in turns: {rounds * requests} requests of one client, {seconds:g} s of each of several",
            *notes,
        ],
    )
