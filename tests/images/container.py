"""The serving image at work as a serverless endpoint may run it: one CPU, 1,024 MB, and little else."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.images.engine import IMAGE, Engine

# No network, no capability, no /dev/shm, and nothing to write to but /tmp.
POOR = (
    *("--network", "none", "--ipc", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--cpus", "1", "--memory", "1024m"),
    *("--read-only", "--tmpfs", "/tmp:rw,size=64m,mode=1777"),
)
UNKNOWN = "4321:4321"

ASK = """
import http.client, json, os, sys, time
method, path, kind = sys.argv[1:]
end = time.monotonic() + 60
while True:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=60)
    try:
        connection.connect()
        break
    except ConnectionRefusedError:
        if time.monotonic() > end:
            raise
        time.sleep(0.01)
connection.request(method, path, sys.stdin.buffer.read(), {"Content-Type": kind} if kind else {})
response = connection.getresponse()
print(json.dumps([response.status, response.headers["Content-Type"], response.read().decode()]))
"""


class Reply(NamedTuple):
    status: int
    content_type: str
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Container:
    """One container of the image. `started` makes it and removes it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Reply:
        """Send one request from inside, once the server listens."""
        asked = self.engine("exec", "-i", self.name, "python", "-c", ASK, method, path, kind, stdin=body)
        return Reply(*json.loads(asked.stdout))

    def invoke(self, message: Any) -> Reply:
        return self.ask("POST", "/invocations", json.dumps(message).encode())

    def python(self, code: str) -> str:
        """What a program prints that runs beside the server, as the same user."""
        return self.engine("exec", self.name, "python", "-c", code).stdout.decode()

    def log(self, *flags: str) -> str:
        logs = self.engine("logs", *flags, self.name)
        return (logs.stdout + logs.stderr).decode()

    def wait(self) -> int:
        """Its exit code, once it has ended; -1 if it goes on for longer than SageMaker would wait."""
        try:
            waited = subprocess.run(
                [*self.engine.command, "wait", self.name], capture_output=True, check=True, timeout=30
            )
        except subprocess.TimeoutExpired:
            return -1
        return int(waited.stdout)

    def inspect(self, field: str) -> str:
        return (
            self.engine("inspect", "--format", f"{{{{json .State.{field}}}}}", self.name).stdout.decode().strip(' "\n')
        )

    def seconds_to_ready(self) -> float:
        """From the process's start to the line that says that the server is ready."""
        (line,) = (line for line in self.log("--timestamps").splitlines() if '"ready"' in line)
        return (_moment(line.split()[0]) - _moment(self.inspect("StartedAt"))) / timedelta(seconds=1)


@contextmanager
def started(
    engine: Engine,
    model: Path,
    *flags: str,
    user: str = UNKNOWN,
    poor: Sequence[str] = POOR,
    command: Sequence[str] = ("serve",),
) -> Iterator[Container]:
    """A container that serves `model` as `user`, until the block ends."""
    name = f"serving-{uuid.uuid4().hex[:12]}"
    mount = f"{model}:/opt/ml/model:ro"
    try:
        engine("run", "-d", "--name", name, "--user", user, *poor, *engine.flags, "-v", mount, *flags, IMAGE, *command)
        yield Container(engine, name)
    finally:
        engine("rm", "-f", name, check=False)


def _moment(text: str) -> datetime:
    """Read a time with nanoseconds, of which datetime takes six digits."""
    whole, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return datetime.fromisoformat(f"{whole}.{digits[:6]:0<6}{rest[len(digits) :]}")
