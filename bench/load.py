"""Part `load`: how fast a request of about 40 words is answered, alone and among others, on one CPU and on two."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from bench.client import WORDS, bodies, latencies, percentile, throughput
from bench.contenders import FASTAPI, OURS, TOOLKIT, Contender, contenders
from bench.model import Model, distilbert
from bench.profile import apart
from bench.report import Result, Table, Target
from bench.server import running
from domain.artifact import MODEL

CLIENTS: Final = (1, 4, 16)
P50_AGAINST_FASTAPI: Final = 3.0
THROUGHPUT_AGAINST_FASTAPI: Final = 4.0
BOUND: Final = "servers are bound (taskset) from their start; the clients may use all CPUs, so they share them"
_TOKENS: Final = 50
# So many clients' answers are compared.
_COMPARED: Final = 4
_MISSED: Final = {
    1: "onnxruntime, imported by a process that may use one CPU of several, takes no AMX: see the profile, and the "
    "table of servers that were bound once up",
    2: "torch spreads one text over both CPUs; ours reads it on one, which serves several clients best",
}


@dataclass(frozen=True)
class Load:
    """What each server is asked in each of `rounds`: the `prepared` bodies, `requests` by one client, then for
    `seconds` by each number of `clients`, which 4 is one of.
    """

    prepared: Sequence[bytes]
    rounds: int
    requests: int
    seconds: float
    clients: Sequence[int] = CLIENTS


def run(full: bool) -> Result:
    """Ask every server in turn, several rounds, bound to one CPU and then to two."""
    model = distilbert()
    cpus = sorted(os.sched_getaffinity(0))
    load = Load(bodies(), 5, 150, 4.0) if full else Load(bodies(), 3, 40, 1.5)
    tables: list[Table] = []
    targets: list[Target] = []
    figures: dict[str, float] = {}
    for count in sorted({1, min(2, len(cpus))}):
        found, notes = contenders(model, count)
        on = f"on {count} CPU{'s'[: count > 1]}"
        table = answers(f"servers {on}", found, cpus[:count], load, [BOUND, *notes])
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
        fewer = replace(load, rounds=max(2, load.rounds - 1))
        tables += [_bound_late(model, cpus, fewer), _profile(model, cpus)]
    return Result(f"Requests of {WORDS} words", tables, targets, figures)


def _bound_late(model: Model, cpus: list[int], load: Load) -> Table:
    """On one CPU as a container is: its quota hides no CPU, and it is told by OMP_NUM_THREADS to take one thread."""
    found = [
        replace(contender, variables={**contender.variables, "OMP_NUM_THREADS": "1"})
        for contender in contenders(model)[0]
        # It takes longest to start, and its worker sets one thread by itself.
        if contender.name != TOOLKIT
    ]
    note = "the servers start with all CPUs and OMP_NUM_THREADS=1, and are bound to one after their first answer"
    return answers("servers on 1 CPU, bound once up", found, cpus[:1], load, [note], from_start=False)


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


def answers(
    where: str,
    found: Sequence[Contender],
    cpus: Sequence[int],
    load: Load,
    notes: Sequence[str],
    *,
    from_start: bool = True,
) -> Table:
    """Ask every server in turn, ours first: milliseconds of one client, answers a second of several."""
    shown = summary(_rounds(found, cpus, load, from_start))
    own, compared = shown[found[0].name], 2 + load.clients.index(_COMPARED)
    many = [f"{number}: answers/s" for number in load.clients]
    return Table(
        f"Latency of one client, answers a second of several; {where}",
        ("server", "p50 ms", "p99 ms", *many, "p50 / ours", f"ours / its, {_COMPARED} clients"),
        [(name, *its, its[0] / own[0], own[compared] / its[compared]) for name, its in shown.items()],
        [
            f"{load.rounds} rounds in turns: {load.rounds * load.requests} requests of one client, {load.seconds:g} s "
            "of each of several",
            *notes,
        ],
    )


def _rounds(
    found: Sequence[Contender], cpus: Sequence[int], load: Load, from_start: bool
) -> dict[str, list[tuple[list[float], list[float]]]]:
    """For each server, a pair per round: its latencies in seconds, and answers/s for each number of clients."""
    measured: dict[str, list[tuple[list[float], list[float]]]] = defaultdict(list)
    for _ in range(load.rounds):
        for contender in found:
            with running(contender, cpus, from_start=from_start) as server:
                alone = latencies(server.port, load.prepared, load.requests)
                many = [throughput(server.port, load.prepared, clients, load.seconds) for clients in load.clients]
            measured[contender.name].append((alone, many))
    return measured


def summary(measured: Mapping[str, Sequence[tuple[list[float], list[float]]]]) -> dict[str, list[float]]:
    """For each server: median and 99th percentile of its latencies in milliseconds, then the medians of answers/s."""
    shown = {}
    for name, of_rounds in measured.items():
        alone = [1000 * seconds for latencies_of_round, _ in of_rounds for seconds in latencies_of_round]
        many = [median(of_clients) for of_clients in zip(*(many for _, many in of_rounds), strict=True)]
        shown[name] = [median(alone), percentile(alone, 0.99), *many]
    return shown
