"""A model server that behaves as behaviour.json of the artifact says.

It knows: answer, ping, status, wait_for, hold_in, tell (its environment), last_words (a file for them).
"""
# ruff: noqa: T201

import json
import os
import pathlib
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

behaviour = json.loads((pathlib.Path(os.environ["MODEL_DIR"]) / "behaviour.json").read_text())


def wait_for(path: pathlib.Path) -> None:
    while not path.exists():
        time.sleep(0.05)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.reply(behaviour.get("ping", 200), b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if folder := behaviour.get("hold_in"):
            pathlib.Path(folder, "asked").touch()
            wait_for(pathlib.Path(folder, "go"))
        answer = {
            "answer": behaviour["answer"],
            "echo": body.decode(),
            "mode": os.environ.get("MODE"),
            "key": os.environ["AWS_ACCESS_KEY_ID"][:4],
            "pid": os.getpid(),
        }
        if behaviour.get("tell"):
            answer["environment"] = dict(os.environ)
        self.reply(behaviour.get("status", 200), json.dumps(answer).encode())

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", "model=1")
        self.send_header("X-Secret", "lost")
        self.end_headers()
        self.wfile.write(body)


def end(*_: object) -> None:
    if file := behaviour.get("last_words"):
        pathlib.Path(file).touch()
    os._exit(0)


signal.signal(signal.SIGTERM, end)
print("serving", behaviour, flush=True)
wait_for(pathlib.Path(behaviour.get("wait_for", "/")))
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
