"""Part `tables`: a table's model served by us, beside FastAPI over the scikit-learn pipeline of the same trees."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final

from bench.census import SCHEMA
from bench.client import ask
from bench.cold_start import starts
from bench.contenders import Contender, table_contenders
from bench.load import BOUND, Load, answers
from bench.report import Result, Target, named
from bench.server import running
from bench.table_model import ROWS, TableModel, requests, table_model

# Of the issue of other tasks than texts.
COLD_START: Final = 5.0
_MANY: Final = 100
_CLIENTS: Final = (1, 4)
# Of a score: the graph adds in float32 what scikit-learn adds in float64.
_ROUNDING: Final = 1e-5


class AnswersDiffer(Exception):
    """A server gives a row another label or score than ours does: it is not the same model that is measured."""


def run(full: bool) -> Result:
    """Start every server in turn, several times, then ask for one row and for 100 at once, on one CPU and on two."""
    model, one, many = table_model(), requests(1, 200), requests(_MANY, 20)
    found = table_contenders(model, one[0])
    # What was just written could not be evicted.
    os.sync()
    cpus = sorted(os.sched_getaffinity(0))
    check([_answer(contender, cpus, many[0]) for contender in found])
    warm = starts(found, cpus, one, 9 if full else 5, _notes(model))
    evicted = starts(found, cpus, one, 5 if full else 2, evicted=True)
    figures = named(warm, "cold start, ms", 1) | named(warm, "peak memory, MB", 4)
    tables = [warm, evicted]
    for count in sorted({1, min(2, len(cpus))}):
        on = f"on {count} CPU{'s'[: count > 1]}"
        for rows, bodies in (("1 row", one), (f"{_MANY} rows", many)):
            load = Load(bodies, *((5, 150, 4.0) if full else (3, 60, 1.5)), _CLIENTS)
            table = answers(f"{rows} a request, servers {on}", found, cpus[:count], load, [BOUND])
            tables.append(table)
            figures |= named(table, f"p50, ms, {rows}, {on}", 1)
            figures |= named(table, f"answers/s, 4 clients, {rows}, {on}", 4)
    targets = [
        Target.at_least(f"cold start against {name}", COLD_START, float(times or 0), "×")
        for name, _, _, times, *_ in warm.rows[1:]
    ]
    return Result("Tables", tables, targets, figures)


def check(answered: Sequence[list[list[dict[str, Any]]]]) -> None:
    """Raises AnswersDiffer unless all servers, of which the first is ours, answer the same rows alike."""
    ours, *others = answered
    for place, other in enumerate(others, 2):
        for row, ((own,), (its,)) in enumerate(zip(ours, other, strict=True)):
            if own["label"] != its["label"] or abs(own["score"] - its["score"]) > _ROUNDING:
                raise AnswersDiffer(f"row {row}: ours answers {own}, server {place} {its}")


def _answer(contender: Contender, cpus: Sequence[int], body: bytes) -> list[list[dict[str, Any]]]:
    with running(contender, cpus) as server, closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
        found: list[list[dict[str, Any]]] = json.loads(ask(client, body))
        return found


def _notes(model: TableModel) -> list[str]:
    return [
        f"{model.trees} trees of {ROWS:,} made-up rows with the {len(SCHEMA)} columns of UCI's Adult data; the servers "
        f"give {_MANY} rows the same labels, and scores within {_ROUNDING:g}",
        "with pandas: its rows become a data frame; without: an array, in an environment that has no pandas, which "
        "scikit-learn would import",
    ]
