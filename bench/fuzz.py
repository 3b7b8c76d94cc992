"""Part `fuzz`: malformed requests, made from the OpenAPI descriptions that ship with the server, never hurt it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple

import tasks
from bench.client import ask
from bench.contenders import OURS_IN_FULL, ours
from bench.environments import CACHE, anew, environment
from bench.report import Cell, Result, Table
from bench.server import running
from ops.bootstrap import ROOT
from tasks.formats import JSON, MEDIA_TYPES
from tests.small_models import first_request, small_model

REQUESTS: Final = 10_000
# So many of one seed: a failure is told before the end, and another seed starts elsewhere.
_OF_ONE_SEED: Final = 1_000
_SHORT: Final = 300
# What Schemathesis did last.
_REPORT: Final = CACHE / "fuzz.json"


class _Way(NamedTuple):
    """How requests are made: Schemathesis's mode, the bodies' media types, and which of its checks are left out."""

    mode: str
    media_types: tuple[str, ...]
    unchecked: tuple[str, ...] = ()


class FuzzingFailed(Exception):
    """Schemathesis found an answer that the description does not allow, or could not run; the message is its report."""


def run(full: bool, task: str | None = None) -> Result:
    """Send malformed JSON, and any text as the other types, and hold every answer against the description.

    The servers of all tasks are asked, or that of `task` alone. Raises FuzzingFailed.

    An answer fails that is a 5xx, that has another status, type, header or body than described, that accepts what the
    description refuses, or that does not come. Afterwards the same process must still predict.
    """
    st = environment("fuzz") / "bin" / "st"
    rows = [row for name in ([task] if task else tasks.names()) for row in _fuzzed(st, name, full)]
    version = json.loads(_REPORT.read_text())["schemathesis_version"]
    note = f"Schemathesis {version}, all of its checks, from the openapi.json of each task's folder; tiny models"
    other = "JSON malformed in every way; of the others any text, which need not be accepted but answered as described"
    columns = ("task", "requests to POST /invocations", "sent", "seeds", "answers that break the description")
    return Result("Malformed requests", [Table("Fuzzing over HTTP", columns, rows, [note, other])])


def small(task: str) -> Path:
    """The unpacked artifact of a model that answers at once, for where it is the server that matters; made anew."""
    return small_model(anew(f"small-{task}"), task)


def described(task: str, media_types: tuple[str, ...]) -> dict[str, Any]:
    """The description that ships, of requests in those of these media types that it has."""
    path = ROOT / "tasks" / tasks.folder(task) / "openapi.json"
    description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    body = description["paths"]["/invocations"]["post"]["requestBody"]
    body["content"] = {name: schema for name, schema in body["content"].items() if name in media_types}
    return description


def ways(task: str) -> Iterator[_Way]:
    """What is malformed JSON is refused, always. Of the other media types any text is a body, and what is no CSV or
    JSON in it the description cannot say: there each answer is to be as described, a refusal too. Pictures are no text:
    `tests/corpus` has broken ones.
    """
    yield _Way("negative", (JSON,))
    others = described(task, MEDIA_TYPES)["paths"]["/invocations"]["post"]["requestBody"]["content"]
    yield _Way("positive", tuple(name for name in others if name != JSON), ("positive_data_acceptance",))


def _fuzzed(st: Path, task: str, full: bool) -> Iterator[tuple[Cell, ...]]:
    """A row for each way, once the server of the task has stood it."""
    first = first_request(task)
    with running(ours(small(task), OURS_IN_FULL, first), [0]) as server:
        for way in ways(task):
            sent, seed = 0, 0
            while sent < (REQUESTS if full else _SHORT):
                seed += 1
                report = _schemathesis(st, server.port, task, way, _OF_ONE_SEED if full else _SHORT, seed)
                sent += report["test_cases"]["generated"]
            yield task, ", ".join(way.media_types), sent, seed, 0
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
            ask(connection, first)


def _schemathesis(st: Path, port: int, task: str, way: _Way, requests: int, seed: int) -> dict[str, Any]:
    _REPORT.unlink(missing_ok=True)
    description = CACHE / "openapi.json"
    description.write_text(json.dumps(described(task, way.media_types)))
    what = ["--mode", way.mode, "--include-path", "/invocations", "--phases", "coverage,fuzzing", "--checks", "all"]
    what += [f"--exclude-checks={check}" for check in way.unchecked]
    how = ["--max-examples", str(requests), "--seed", str(seed), "--report", "json", "--report-json-path", str(_REPORT)]
    where = ["--url", f"http://127.0.0.1:{port}", str(description)]
    command = [str(st), "--config-file", str(ROOT / "bench" / "fuzz.toml"), "run", *what, *how, *where]
    ran = subprocess.run(command, cwd=CACHE, capture_output=True, text=True)
    if ran.returncode or not _REPORT.exists():
        raise FuzzingFailed(ran.stdout + ran.stderr)
    found: dict[str, Any] = json.loads(_REPORT.read_text())
    return found
