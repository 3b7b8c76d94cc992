"""A tiny real model, and a real server process over it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from domain.artifact import sha256_file
from tasks.text.predict import Predictor
from tests.text_model import load
from tests.tiny_model import tiny_artifact

ROOT = Path(__file__).resolve().parents[2]
LABELS = ["negative", "neutral", "positive"]


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A running server and one connection to it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send one request; keyword `content_type` is the header Content-Type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, named)
        response = self._connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, response.read())

    def close(self) -> None:
        self._connection.close()

    def invoke(self, message: Any) -> Reply:
        return self.request("POST", "/invocations", json.dumps(message).encode(), content_type="application/json")


def environment(model_dir: Path, **others: str) -> dict[str, str]:
    """The environment of a server that takes any free port."""
    return {**os.environ, "MODEL_DIR": str(model_dir), "HOST": "127.0.0.1", "PORT": "0", **others}


@contextmanager
def serving(model_dir: Path, log: Path, *flags: str, **others: str) -> Iterator[Server]:
    """Run `python FLAGS -m serving` over `model_dir`, its log in the file `log`, until the block ends."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *flags, "-m", "serving"], cwd=ROOT, env=environment(model_dir, **others), stderr=stream
        )
    try:
        with closing(Server(process, _port(process, log))) as server:
            yield server
    finally:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    for _ in range(3000):
        for line in log.read_text().splitlines(keepends=True):
            if line.startswith('{"event": "ready"') and line.endswith("\n"):
                return int(json.loads(line)["port"])
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    raise AssertionError(f"the server is not ready: {log.read_text()}")


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.tar.gz of a tiny int8 classifier, unpacked beside itself in `model`."""
    return tiny_artifact(tmp_path_factory.mktemp("tiny") / "int8", LABELS, run="run-1")


@pytest.fixture(scope="session")
def model_dir(artifact: Path) -> Path:
    return artifact.parent / "model"


@pytest.fixture(scope="session")
def predictor(model_dir: Path) -> Predictor:
    return load(model_dir)


@pytest.fixture(scope="session")
def server(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(model_dir, tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture
def edited(model_dir: Path, tmp_path: Path) -> Callable[..., Path]:
    """Make a copy of the model directory with another model.onnx, its checksum put right, and other values in its
    manifest (None removes a key)."""

    def edit(onnx: bytes | None = None, **changes: object) -> Path:
        copy = tmp_path / "edited"
        shutil.copytree(model_dir, copy)
        manifest = json.loads((copy / "manifest.json").read_text())
        if onnx is not None:
            (copy / "model.onnx").write_bytes(onnx)
            manifest["sha256"]["model.onnx"] = sha256_file(copy / "model.onnx")
        kept = {key: value for key, value in (manifest | changes).items() if value is not None}
        (copy / "manifest.json").write_text(json.dumps(kept))
        return copy

    return edit
