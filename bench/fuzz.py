"""Part `fuzz`: malformed requests, made from the OpenAPI description that ships with the server, never hurt it."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from bench.client import FIRST, ask
from bench.contenders import ours
from bench.environments import CACHE, environment
from bench.model import Model
from bench.report import Result, Table
from bench.server import running
from ops.bootstrap import ROOT
from tests.tiny_model import tiny_artifact

REQUESTS: Final = 10_000
# So many of one seed: a failure is told before the end, and another seed starts elsewhere.
_OF_ONE_SEED: Final = 1_000
_SHORT: Final = 300
_LABELS: Final = ("negative", "neutral", "positive")


class FuzzingFailed(Exception):
    """Schemathesis found an answer that the description does not allow, or could not run; the message is its report."""


def run(full: bool) -> Result:
    """Send malformed requests over HTTP and hold every answer against the description. Raises FuzzingFailed.

    An answer fails that is a 5xx, that has another status, type, header or body than described, that accepts what the
    description refuses, or that does not come. Afterwards the same process must still predict.
    """
    st = environment("fuzz") / "bin" / "st"
    model = tiny()
    with running(ours(model), [0]) as server:
        sent, seed = 0, 0
        while sent < (REQUESTS if full else _SHORT):
            seed += 1
            report = _schemathesis(st, server.port, _OF_ONE_SEED if full else _SHORT, seed)
            sent += report["test_cases"]["generated"]
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
            ask(connection, FIRST)
    rows = [("POST /invocations", sent, seed, 0)]
    note = f"Schemathesis {report['schemathesis_version']}, all of its checks, from serving/openapi.json; a tiny model"
    columns = ("operation", "malformed requests", "seeds", "answers that break the description")
    return Result("Malformed requests", [Table("Fuzzing over HTTP", columns, rows, [note])])


def tiny() -> Model:
    """A model that answers at once, for where it is the server that matters; made anew."""
    folder = CACHE / "tiny"
    shutil.rmtree(folder, ignore_errors=True)
    tiny_artifact(folder, _LABELS)
    return Model(folder / "checkpoint", folder / "model")


def _schemathesis(st: Path, port: int, requests: int, seed: int) -> dict[str, Any]:
    report = CACHE / "fuzz.json"
    report.unlink(missing_ok=True)
    description = ROOT / "serving" / "openapi.json"
    what = ["--mode", "negative", "--include-path", "/invocations", "--phases", "coverage,fuzzing", "--checks", "all"]
    how = ["--max-examples", str(requests), "--seed", str(seed), "--report", "json", "--report-json-path", str(report)]
    where = ["--url", f"http://127.0.0.1:{port}", str(description)]
    command = [str(st), "--config-file", str(ROOT / "bench" / "fuzz.toml"), "run", *what, *how, *where]
    ran = subprocess.run(command, cwd=CACHE, capture_output=True, text=True)
    if ran.returncode or not report.exists():
        raise FuzzingFailed(ran.stdout + ran.stderr)
    found: dict[str, Any] = json.loads(report.read_text())
    return found
