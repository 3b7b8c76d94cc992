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
# What is malformed JSON is refused, always. Of the other media types any text is a body, and what is no CSV or JSON in
# it the description cannot say: there each answer is to be as described, a refusal too.
_WAYS: Final = (
    ("negative", ("application/json",), ()),
    ("positive", ("application/jsonlines", "text/csv", "text/plain"), ("positive_data_acceptance",)),
)
_LABELS: Final = ("negative", "neutral", "positive")


class FuzzingFailed(Exception):
    """Schemathesis found an answer that the description does not allow, or could not run; the message is its report."""


def run(full: bool) -> Result:
    """Send malformed JSON, and any text as the other types, and hold every answer against the description.

    Raises FuzzingFailed.

    An answer fails that is a 5xx, that has another status, type, header or body than described, that accepts what the
    description refuses, or that does not come. Afterwards the same process must still predict.
    """
    st = environment("fuzz") / "bin" / "st"
    model = tiny()
    with running(ours(model.artifact), [0]) as server:
        rows = []
        for way in _WAYS:
            sent, seed = 0, 0
            while sent < (REQUESTS if full else _SHORT):
                seed += 1
                report = _schemathesis(st, server.port, way, _OF_ONE_SEED if full else _SHORT, seed)
                sent += report["test_cases"]["generated"]
            rows.append((", ".join(way[1]), sent, seed, 0))
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
            ask(connection, FIRST)
    note = (
        f"Schemathesis {report['schemathesis_version']}, all of its checks, from tasks/text/openapi.json; a tiny model"
    )
    other = "JSON malformed in every way; of the others any text, which need not be accepted but answered as described"
    columns = ("requests to POST /invocations", "sent", "seeds", "answers that break the description")
    return Result("Malformed requests", [Table("Fuzzing over HTTP", columns, rows, [note, other])])


def tiny() -> Model:
    """A model that answers at once, for where it is the server that matters; made anew."""
    folder = CACHE / "tiny"
    shutil.rmtree(folder, ignore_errors=True)
    tiny_artifact(folder, _LABELS)
    return Model(folder / "checkpoint", folder / "model")


def _schemathesis(
    st: Path, port: int, way: tuple[str, tuple[str, ...], tuple[str, ...]], requests: int, seed: int
) -> dict[str, Any]:
    mode, media_types, unchecked = way
    report = CACHE / "fuzz.json"
    report.unlink(missing_ok=True)
    description = CACHE / "openapi.json"
    description.write_text(json.dumps(_of(media_types)))
    what = ["--mode", mode, "--include-path", "/invocations", "--phases", "coverage,fuzzing", "--checks", "all"]
    what += [f"--exclude-checks={check}" for check in unchecked]
    how = ["--max-examples", str(requests), "--seed", str(seed), "--report", "json", "--report-json-path", str(report)]
    where = ["--url", f"http://127.0.0.1:{port}", str(description)]
    command = [str(st), "--config-file", str(ROOT / "bench" / "fuzz.toml"), "run", *what, *how, *where]
    ran = subprocess.run(command, cwd=CACHE, capture_output=True, text=True)
    if ran.returncode or not report.exists():
        raise FuzzingFailed(ran.stdout + ran.stderr)
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def _of(media_types: tuple[str, ...]) -> dict[str, Any]:
    """The description that ships, of requests in these media types alone."""
    description: dict[str, Any] = json.loads((ROOT / "tasks" / "text" / "openapi.json").read_text())
    body = description["paths"]["/invocations"]["post"]["requestBody"]
    body["content"] = {name: schema for name, schema in body["content"].items() if name in media_types}
    return description
