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
from bench.report import Result, Table, Target
from bench.server import running
from ops.bootstrap import ROOT
from tests.tiny_model import tiny_artifact

REQUESTS: Final = 10_000
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
        report = _schemathesis(st, server.port, REQUESTS if full else _SHORT)
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
            ask(connection, FIRST)
    sent, failed = report["test_cases"]["generated"], report["test_cases"]["with_failures"]
    rows = [("POST /invocations", sent, failed)]
    note = f"Schemathesis {report['schemathesis_version']}, seed {report['seed']}; all of its checks; a tiny model"
    target = Target.at_most("answers to malformed requests that break the description", 0, failed)
    return Result("Malformed requests", [Table("Fuzzing", ("operation", "requests", "failed"), rows, [note])], [target])


def tiny() -> Model:
    """A model that answers at once, for where it is the server that matters; made anew."""
    folder = CACHE / "tiny"
    shutil.rmtree(folder, ignore_errors=True)
    tiny_artifact(folder, _LABELS)
    return Model(folder / "checkpoint", folder / "model")


def _schemathesis(st: Path, port: int, requests: int) -> dict[str, Any]:
    report = CACHE / "fuzz.json"
    report.unlink(missing_ok=True)
    description = ROOT / "serving" / "openapi.json"
    what = ["--mode", "negative", "--include-path", "/invocations", "--phases", "coverage,fuzzing", "--checks", "all"]
    how = ["--max-examples", str(requests), "--seed", "1", "--report", "json", "--report-json-path", str(report)]
    where = ["--url", f"http://127.0.0.1:{port}", str(description)]
    command = [str(st), "--config-file", str(ROOT / "bench" / "fuzz.toml"), "run", *what, *how, *where]
    ran = subprocess.run(command, cwd=CACHE, capture_output=True, text=True)
    if ran.returncode or not report.exists():
        raise FuzzingFailed(ran.stdout + ran.stderr)
    found: dict[str, Any] = json.loads(report.read_text())
    return found
