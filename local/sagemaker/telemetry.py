"""What CloudWatch shows of an endpoint: the serverless metrics of namespace AWS/SageMaker, and the server's log.

Names, units and dimensions as in SageMaker's Developer Guide, `serverless-endpoints-monitoring`; data points are
gathered and sent by the housekeeping thread.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.sagemaker.clients import client
from local.sagemaker.logs import LogStream, Tail, publish
from local.sagemaker.variant import LOG_GROUP, Timing

NAMESPACE = "AWS/SageMaker"
MICROSECONDS = 1e6


class EndpointTelemetry:
    """Metrics and logs of one endpoint."""

    def __init__(self, environment: Mapping[str, str], endpoint: str) -> None:
        self._environment, self._endpoint = environment, endpoint
        self.log_group = LOG_GROUP + endpoint
        self._cloudwatch = client("cloudwatch", environment)
        self._data: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._tail: Tail | None = None
        self._stream: LogStream | None = None

    def answered(self, variant: str, status: int, timing: Timing) -> None:
        """Note one request that the container answered with any status."""
        points = {
            "Invocations": (1.0, "Count"),
            "Invocation4XXErrors": (float(400 <= status < 500), "Count"),
            "Invocation5XXErrors": (float(status >= 500), "Count"),
            "ModelLatency": (timing.model * MICROSECONDS, "Microseconds"),
            "OverheadLatency": (timing.overhead * MICROSECONDS, "Microseconds"),
        }
        if timing.setup is not None:
            points["ModelSetupTime"] = (timing.setup * MICROSECONDS, "Microseconds")
        self._note(variant, points)

    def failed(self, variant: str) -> None:
        """Note one request that no container answered."""
        self._note(variant, {"Invocations": (1.0, "Count"), "Invocation5XXErrors": (1.0, "Count")})

    def _note(self, variant: str, points: dict[str, tuple[float, str]]) -> None:
        now = time.time()
        dimensions = [
            {"Name": "EndpointName", "Value": self._endpoint},
            {"Name": "VariantName", "Value": variant},
        ]
        with self._lock:
            self._data += [
                {"MetricName": name, "Value": value, "Unit": unit, "Timestamp": now, "Dimensions": dimensions}
                for name, (value, unit) in points.items()
            ]

    def flush(self) -> None:
        """Send the gathered data points."""
        with self._lock:
            data, self._data = self._data, []
        if data:
            publish(self._cloudwatch, NAMESPACE, data)

    def follow(self, log: Path) -> None:
        """Read another deployment's log from now on, into a stream of its own."""
        self._tail = Tail(log)
        self._stream = LogStream(self._environment, self.log_group, f"AllTraffic/{uuid.uuid4().hex}")

    def pump(self, *, final: bool = False) -> None:
        """Send the followed log's new lines; a no-op until `follow`."""
        if self._tail and self._stream:
            self._stream.write(self._tail.lines(final=final))

    def copy(self, log: Path) -> None:
        """Send the whole log of a deployment that failed, into a stream of its own."""
        stream = LogStream(self._environment, self.log_group, f"AllTraffic/{uuid.uuid4().hex}")
        stream.write(Tail(log).lines(final=True))
