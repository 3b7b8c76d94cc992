"""Clients that keep asking an endpoint, each on its own thread, and remember every answer and every failure."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud import LocalCloud


@dataclass
class Heard:
    """What the clients heard: seconds of each answer, answers by label, failures in words."""

    seconds: list[float] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        """Seconds within which so many percent of the answers came (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Clients:
    """`clients` threads that together ask `rate` times a second, from entering to leaving the context.

    A client that is late does not skip: it asks at once. Nothing is tried again, so that each failure counts.
    """

    def __init__(self, cloud: LocalCloud, endpoint: str, text: str, *, rate: float, clients: int) -> None:
        self._endpoint, self._body = endpoint, json.dumps({"inputs": text})
        self._pause, self._over, self._lock = clients / rate, threading.Event(), threading.Lock()
        self.heard = Heard()
        runtime = cloud.client("sagemaker-runtime", retries={"total_max_attempts": 1}, max_pool_connections=clients)
        self._threads = [
            threading.Thread(target=self._ask, args=(runtime, number / rate), daemon=True) for number in range(clients)
        ]

    def __enter__(self) -> Heard:
        for thread in self._threads:
            thread.start()
        return self.heard

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, runtime: Any, first: float) -> None:
        due = time.monotonic() + first
        while not self._over.wait(max(0.0, due - time.monotonic())):
            begun, due = time.monotonic(), due + self._pause
            try:
                answer = runtime.invoke_endpoint(
                    EndpointName=self._endpoint, ContentType="application/json", Body=self._body
                )
                label = str(json.loads(answer["Body"].read())[0]["label"])
            except (ClientError, BotoCoreError) as error:
                with self._lock:
                    self.heard.failures.append(str(error))
            else:
                with self._lock:
                    self.heard.seconds.append(time.monotonic() - begun)
                    self.heard.labels[label] += 1
