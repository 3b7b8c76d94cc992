"""A deployed production variant: its unpacked artifact and at most one server, which goes away when idle.

AWS gives each concurrent request of a serverless endpoint its own container; here one server takes up to
MaxConcurrency requests at a time (a declared difference), and more are throttled as there.
"""

from __future__ import annotations

import http.client
import shutil
import tarfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.sagemaker import errors
from local.sagemaker.clients import TRANSFER, split_uri
from local.sagemaker.options import Options
from local.sagemaker.server import Answer, ModelServer, ServerError

LOG_GROUP = "/aws/sagemaker/Endpoints/"


@dataclass
class Timing:
    """What one request took, in seconds: the container's answer, everything around it, the cold start in it."""

    model: float = 0.0
    overhead: float = 0.0
    setup: float | None = None


class ReplacedError(Exception):
    """Another deployment serves the endpoint by now."""


class Variant:
    """One variant of one deployment of an endpoint."""

    def __init__(
        self,
        endpoint: str,
        config: str,
        variant: Mapping[str, Any],
        options: Options,
        directory: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.config, self.record, self._options = config, dict(variant), options
        self._directory, self._environment = directory, dict(environment)
        self._log_group = LOG_GROUP + endpoint
        self.log = directory / "log.txt"
        self._server: ModelServer | None = None
        self._starting, self._counting = threading.Lock(), threading.Lock()
        self._busy, self._used, self._retired = 0, time.monotonic(), False
        self._ended = False

    @property
    def concurrency(self) -> int:
        """MaxConcurrency."""
        return int(self.record["ServerlessConfig"]["MaxConcurrency"])

    def summary(self) -> dict[str, Any]:
        """What DescribeEndpoint shows of the variant."""
        return {
            "VariantName": self.record["VariantName"],
            "CurrentWeight": 1.0,
            "DesiredWeight": 1.0,
            "CurrentInstanceCount": 0,
            "CurrentServerlessConfig": self.record["ServerlessConfig"],
        }

    def deploy(self, s3: Any, uri: str) -> None:
        """Download and unpack the artifact, then start the server once.

        Raises:
            ServerError: no health check passed. Whatever S3 or the archive raise is let through.
        """
        model = self._directory / "model"
        model.mkdir(parents=True)
        # The server's /tmp.
        (self._directory / "tmp").mkdir()
        if uri:
            tarball = self._directory / "model.tar.gz"
            bucket, key = split_uri(uri)
            s3.download_file(bucket, key, str(tarball), Config=TRANSFER)
            _extract(tarball, model)
            tarball.unlink()
        self._ensure()

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, Timing]:
        """Serve one request, with a cold start if need be.

        Raises:
            ApiError: ThrottlingException above MaxConcurrency, ModelError when the server breaks off.
            ReplacedError: this variant takes no more requests.
        """
        with self._counting:
            if self._retired:
                raise ReplacedError
            if self._busy >= self.concurrency:
                raise errors.throttled()
            self._busy += 1
        try:
            return self._invoke(body, headers)
        finally:
            with self._counting:
                self._busy -= 1
                self._used = time.monotonic()

    def _invoke(self, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, Timing]:
        begun = time.monotonic()
        try:
            server, setup = self._ensure()
            called = time.monotonic()
            answer = server.invoke(body, headers, self._options.invoke_seconds)
        except (ServerError, OSError, http.client.HTTPException) as error:
            raise errors.model_error(500, f"{type(error).__name__}: {error}", self._log_group) from error
        done = time.monotonic()
        return answer, Timing(model=done - called, overhead=called - begun, setup=setup)

    def _ensure(self) -> tuple[ModelServer, float | None]:
        """The server, and the seconds its start took if it was not there."""
        with self._starting:
            if self._ended:
                raise ServerError("the variant was replaced")
            if self._server and self._server.alive():
                return self._server, None
            begun = time.monotonic()
            self._server = ModelServer.start(self._options, self._directory / "model", self._environment, self.log)
            self._used = time.monotonic()
            return self._server, time.monotonic() - begun

    def rest(self) -> None:
        """Scale to zero after the idle time; provisioned concurrency keeps the server."""
        if "ProvisionedConcurrency" in self.record["ServerlessConfig"] or not self._starting.acquire(blocking=False):
            return
        try:
            idle = self._busy == 0 and time.monotonic() - self._used > self._options.idle_seconds
            if self._server and idle:
                self._server.stop()
                self._server = None
        finally:
            self._starting.release()

    def retire(self) -> None:
        """Let running requests finish (within their time limit), stop the server, remove the artifact."""
        with self._counting:
            # From here on a request that has looked up this variant just before goes to the new one.
            self._retired = True
        deadline = time.monotonic() + self._options.invoke_seconds
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.05)
        with self._starting:
            self._ended = True
            if self._server:
                self._server.stop()
                self._server = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def pid(self) -> int | None:
        """Process id of the server, or None at rest."""
        server = self._server  # which may go to rest in between
        return server.process.pid if server and server.alive() else None


def _extract(tarball: Path, into: Path) -> None:
    """Unpack as the platform does, harmlessly; whether the content can be trusted is the container's question."""
    with tarfile.open(tarball, "r:gz") as tar:
        tar.extractall(into, filter="data")
