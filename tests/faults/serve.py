"""The serving command of the matrix: the real server, with a fault in front of it for every run but those spared.

$FAULTS_DIRECTORY/serve.json says which: {"do": …, "spare": [runs]}; without it nobody has a fault. The file `served`
beside it says that a container with the fault was started.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SLOW_SECONDS = 0.4
_OTHER = {"positive": "negative", "negative": "positive"}


def main() -> None:
    """Serve, or play the part of a broken container."""
    control, model = Path(os.environ["FAULTS_DIRECTORY"]) / "serve.json", Path(os.environ["MODEL_DIR"])
    manifest = model / "manifest.json"
    run = json.loads(manifest.read_text())["run"] if manifest.exists() else ""
    part: dict[str, Any] = json.loads(control.read_text()) if control.exists() else {"do": "", "spare": []}
    if not part["do"] or run in part["spare"]:
        runpy.run_module("serving", run_name="__main__")
        return
    control.with_name("served").touch()
    if part["do"] == "exit":
        sys.exit("the container has no such file: libgomp.so.1")
    _front(part["do"])


def _front(doing: str) -> None:
    """A proxy on $PORT before the real server on the next free port."""
    outer = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), _Handler)
    _Handler.doing, _Handler.seen = doing, 0
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as probe:
        _Handler.inner = probe.server_address[1]
    environment = {**os.environ, "PORT": str(_Handler.inner)}
    subprocess.Popen([sys.executable, "-m", "serving"], env=environment)
    outer.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    doing, seen, inner = "", 0, 0

    def do_GET(self) -> None:
        if self.doing in ("ping-fails", "ping-hangs"):
            time.sleep(3600 if self.doing == "ping-hangs" else 0)
            self._say(500, b"")
            return
        self._say(*self._ask("GET", None))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen += 1
        if self.doing == "crashes-on-the-third" and self.seen == 3:
            os.killpg(os.getpgid(0), 9)
        if self.doing == "answers-500":
            self._say(500, b'{"error": "CUDA error"}')
            return
        if self.doing == "slow":
            time.sleep(SLOW_SECONDS)
        status, answer = self._ask("POST", body)
        found = json.loads(answer)
        if self.doing == "garbage":
            answer = b"<html>no</html>"
        elif self.doing == "wrong":
            answer = json.dumps(_changed(found, _otherwise)).encode()
        elif self.doing == "unsure":
            answer = json.dumps(_changed(found, lambda one: {**one, "score": one["score"] - 0.2})).encode()
        elif self.doing == "too-few":
            answer = json.dumps(found[:-1] if len(found) > 1 else found).encode()
        self._say(status, answer)

    def _ask(self, method: str, body: bytes | None) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.inner, timeout=30)
        try:
            connection.request(method, self.path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException):
            return 503, b"[]"
        finally:
            connection.close()

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the real server has its own log."""


def _changed(answer: list[Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Any]:
    """An answer with each prediction changed: a list of predictions, or of such lists for a batch."""
    return [_changed(item, change) if isinstance(item, list) else change(item) for item in answer]


def _otherwise(answer: dict[str, Any]) -> dict[str, Any]:
    """The other label; of regression, where the label is what is predicted, a number of the other sign."""
    if answer["label"] in _OTHER:
        return {**answer, "label": _OTHER[answer["label"]]}
    return {**answer, "score": -answer["score"]}


if __name__ == "__main__":
    main()
