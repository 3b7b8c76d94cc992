"""A model server that behaves as behaviour.json of the artifact says: answer, ping, seconds, status, wait_for."""
# ruff: noqa: T201

import json
import os
import pathlib
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

behaviour = json.loads((pathlib.Path(os.environ["MODEL_DIR"]) / "behaviour.json").read_text())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.reply(behaviour.get("ping", 200), b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(behaviour.get("seconds", 0))
        answer = {
            "answer": behaviour["answer"],
            "echo": body.decode(),
            "mode": os.environ.get("MODE"),
            "key": os.environ["AWS_ACCESS_KEY_ID"][:4],
            "pid": os.getpid(),
        }
        self.reply(behaviour.get("status", 200), json.dumps(answer).encode())

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", "model=1")
        self.send_header("X-Secret", "lost")
        self.end_headers()
        self.wfile.write(body)


print("serving", behaviour, flush=True)
while not pathlib.Path(behaviour.get("wait_for", "/")).exists():
    time.sleep(0.05)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
