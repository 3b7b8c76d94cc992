"""Part `images`: a model of pictures served by us, beside FastAPI over transformers' pipeline with the same model."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final

from bench.client import ask
from bench.cold_start import starts
from bench.contenders import FASTAPI, Contender, image_contenders
from bench.image_model import PICTURE, SIDE, image_model, requests
from bench.load import BOUND, Load, answers
from bench.report import Result, Table, Target, named
from bench.server import running

# Of the issue of other tasks than texts.
COLD_START: Final = 10.0
_MANY: Final = 8
_CLIENTS: Final = (1, 4)
# Of a score: both add in float32, in another order.
_ROUNDING: Final = 1e-4

# Of each picture of a request: its labels with their scores, the likeliest first.
Answer = Sequence[Sequence[dict[str, Any]]]


class AnswersDiffer(Exception):
    """A server gives a picture other labels or scores than ours does: it is not the same model that is measured."""


def run(full: bool) -> Result:
    """Start both servers in turn, several times, then ask for one picture and for 8 at once, on one CPU and on two."""
    model, one, many = image_model(), requests(1, 40), requests(_MANY, 5)
    found = image_contenders(model, one[0])
    # What was just written could not be evicted.
    os.sync()
    cpus = sorted(os.sched_getaffinity(0))
    check(*(_answer(contender, cpus, many[0]) for contender in found))
    note = (
        f"ResNet-18 with random weights at {SIDE} pixels a side; pictures are JPEG of {PICTURE[0]} x {PICTURE[1]} in "
        f"base64; both servers give {_MANY} of them the same labels, and scores within {_ROUNDING:g}"
    )
    warm = starts(found, cpus, one, 7 if full else 3, [note])
    evicted = starts(found, cpus, one, 5 if full else 2, evicted=True)
    tables: list[Table] = [warm, evicted]
    figures = named(warm, "cold start, ms", 1) | named(warm, "peak memory, MB", 4)
    for count in sorted({1, min(2, len(cpus))}):
        on = f"on {count} CPU{'s'[: count > 1]}"
        # A start of theirs takes long, and so do eight pictures: few rounds, few requests.
        for pictures, bodies, asked in (("1 picture", one, 20), (f"{_MANY} pictures", many, 5)):
            load = Load(bodies, *((5, 3 * asked, 4.0) if full else (2, asked, 2.0)), _CLIENTS)
            table = answers(f"{pictures} a request, servers {on}", found, cpus[:count], load, [BOUND])
            tables.append(table)
            figures |= named(table, f"p50, ms, {pictures}, {on}", 1)
            figures |= named(table, f"answers/s, 4 clients, {pictures}, {on}", 4)
    ratio = float(next(row[3] for row in warm.rows if row[0] == FASTAPI) or 0)
    return Result("Images", tables, [Target.at_least(f"cold start against {FASTAPI}", COLD_START, ratio, "×")], figures)


def check(ours: Answer, theirs: Answer) -> None:
    """Raises AnswersDiffer unless both servers answer the same pictures alike."""
    for place, (own, its) in enumerate(zip(ours, theirs, strict=True)):
        scores = {item["label"]: item["score"] for item in its}
        if any(abs(item["score"] - scores.get(item["label"], 0.0)) > _ROUNDING for item in own):
            raise AnswersDiffer(f"picture {place}: ours answers {own}, {FASTAPI} {its}")


def _answer(contender: Contender, cpus: Sequence[int], body: bytes) -> Answer:
    with running(contender, cpus) as server, closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
        found: Answer = json.loads(ask(client, body))
        return found
