"""One model server: the serving command as a subprocess on its own port, under the container contract.

GET /ping decides whether it is up, POST /invocations serves, as SageMaker asks of an inference image. Locally it runs
the serving code of this repository, not the model's image: a declared difference.
"""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.sagemaker import processes
from local.sagemaker.options import ROOT, Options
from local.surroundings import free_port

PING_SECONDS = 2.0
"""SageMaker's time limit for one /ping."""
STOP_SECONDS = 30.0
"""Between SIGTERM and SIGKILL (Developer Guide, `your-algorithms-inference-code`)."""


class ServerError(Exception):
    """The server did not come up, or broke off; the text says what it printed last."""


@dataclass(frozen=True)
class Answer:
    """A container's answer: status, the two headers that SageMaker passes on, and the body."""

    status: int
    content_type: str
    custom_attributes: str | None
    body: bytes


class ModelServer:
    """A running model server. Start it with `start`; `stop` is idempotent."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self._log = process, port, log

    @classmethod
    def start(cls, options: Options, model: Path, environment: Mapping[str, str], log: Path) -> ModelServer:
        """Start the serving command and wait for its first good /ping.

        Raises:
            ServerError: it exited, or did not answer within `options.start_seconds`.
        """
        port = free_port()
        process = processes.spawn(
            options.serve,
            cwd=ROOT,
            log=log,
            environment={**environment, "PORT": str(port), "MODEL_DIR": str(model)},
        )
        server = cls(process, port, log)
        deadline = time.monotonic() + options.start_seconds
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if server._ping():
                return server
            time.sleep(0.05)
        server.stop()
        raise ServerError(f"did not pass the ping health check. {server.last_words()}".strip())

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        """POST /invocations. Raises OSError or http.client.HTTPException when the server breaks off."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", "/invocations", body, dict(headers))
            response = connection.getresponse()
            return Answer(
                response.status,
                response.headers.get("Content-Type", "application/octet-stream"),
                response.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
                response.read(),
            )
        finally:
            connection.close()

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Tell the server to end, as SageMaker does, and kill what is left of its process group."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        processes.kill_group(self.process)

    def last_words(self) -> str:
        """The end of the server's output."""
        return self._log.read_text("utf-8", "replace")[-500:].strip() if self._log.exists() else ""

    def _ping(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PING_SECONDS)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
