"""Part `cold_start`: from the process's start to the first prediction over HTTP, and the memory that it takes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Final

from bench.client import bodies, latencies
from bench.contenders import FASTAPI, OURS, TOOLKIT, Contender, contenders, ours
from bench.model import Model, distilbert
from bench.report import Result, Table, Target
from bench.server import evict, running
from ops.bootstrap import ROOT

# Of the issue of a serverless endpoint: users wait for exactly this.
AGAINST_TOOLKIT: Final = 30.0
AGAINST_FASTAPI: Final = 11.0
PEAK_MB: Final = 170.0
_REQUESTS: Final = 20


def run(full: bool) -> Result:
    """Start every server in turn, several times, with its files in the page cache and without."""
    model = distilbert()
    found, notes = contenders(model)
    notes = ["the toolkit has one worker, which starts soonest and takes the least memory", *notes]
    # What was just written could not be evicted.
    os.sync()
    cpus = sorted(os.sched_getaffinity(0))
    tables = [
        starts(found, cpus, bodies(), 7 if full else 3, notes),
        starts(found, cpus, bodies(), 5 if full else 2, evicted=True),
    ]
    warm = {row[0]: row for row in tables[0].rows}
    targets = []
    for baseline, bound in ((TOOLKIT, AGAINST_TOOLKIT), (FASTAPI, AGAINST_FASTAPI)):
        if baseline in warm:
            ratio = float(warm[baseline][1] or 0) / float(warm[OURS][1] or 1)
            targets.append(Target.at_least(f"cold start against {baseline}", bound, ratio, "×"))
    targets.append(Target.at_most("peak memory", PEAK_MB, float(warm[OURS][4] or 0), " MB"))
    figures = {f"cold start, ms: {name}": float(row[1] or 0) for name, row in warm.items()}
    figures |= {f"peak memory, MB: {name}": float(row[4] or 0) for name, row in warm.items()}
    return Result("Cold start and memory", [*tables, _stages(model, 15 if full else 7)], targets, figures)


def starts(
    found: Sequence[Contender],
    cpus: Sequence[int],
    prepared: Sequence[bytes],
    rounds: int,
    notes: Sequence[str] = (),
    *,
    evicted: bool = False,
) -> Table:
    """Start every server in turn, ours first, and ask it some of the `prepared` bodies: milliseconds and memory.

    With `evicted` none of the files that a server reads is in the page cache.
    """
    took: dict[str, list[float]] = defaultdict(list)
    peaks: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for contender in found:
            # A start of ours takes so little that more of them cost nothing.
            for _ in range(3 if contender is found[0] else 1):
                if evicted:
                    evict(contender.reads)
                with running(contender, cpus) as server:
                    took[contender.name].append(1000 * server.cold_start)
                    latencies(server.port, prepared, _REQUESTS)
                    peaks[contender.name].append(server.peak_mb())
    own = median(took[found[0].name])
    rows = [
        (name, median(values), min(values), median(values) / own, median(peaks[name]), len(values))
        for name, values in took.items()
    ]
    how = "process start to first 200 with a prediction, median; the servers took turns"
    memory = f"peak memory: VmHWM of every process of the server added up, after {_REQUESTS} requests"
    what = "files of environment and model evicted from the page cache (posix_fadvise); Python's own and Java's stay"
    return Table(
        f"Cold start, {'evicted' if evicted else 'warm'} page cache, {len(cpus)} CPUs",
        ("server", "ms", "least ms", "times ours", "peak MB", "n"),
        rows,
        [what] if evicted else [how, memory, *notes],
    )


def _stages(model: Model, rounds: int) -> Table:
    contender = ours(model.artifact)
    python = contender.command[0]
    program = ROOT / "bench" / "programs" / "stages.py"
    measured = []
    for _ in range(rounds):
        command = [python, "-S", str(program), str(model.artifact), repr(time.time())]
        ran = subprocess.run(command, env=os.environ | contender.variables, capture_output=True, check=True)
        measured.append(json.loads(ran.stdout))
    rows = [
        (stages[0][0], 1000 * median(stage[1] for stage in stages), 1000 * median(stage[2] for stage in stages))
        for stages in zip(*measured, strict=True)
    ]
    total = ("together", sum(row[1] for row in rows), sum(row[2] for row in rows))
    note = f"medians of {rounds}, in one thread; the server overlaps imports, checksums, session and tokenizer"
    return Table("Where our start goes", ("stage", "ms", "CPU ms"), [*rows, total], [note])
