"""Clients that keep asking an endpoint, each on its own thread, and remember every answer, wrong ones and failures."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud import LocalCloud


@dataclass
class Heard:
    """What the clients heard: seconds of each right answer, and in words what failed or was answered wrongly."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Clients:
    """`clients` threads that together ask `rate` times a second, from entering to leaving the context.

    A client that is late does not skip: it asks at once. Nothing is tried again, so that each failure counts.
    """

    def __init__(self, cloud: LocalCloud, endpoint: str, text: str, label: str, *, rate: float, clients: int) -> None:
        self._endpoint, self._body, self._label = endpoint, json.dumps({"inputs": text}), label
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
                found = json.loads(answer["Body"].read())[0]["label"]
                wrong = "" if found == self._label else f"answered {found!r} instead of {self._label!r}"
            except (ClientError, BotoCoreError) as error:
                wrong = str(error)
            except (ValueError, LookupError, TypeError) as error:
                wrong = f"no prediction: {error!r}"
            with self._lock:
                if wrong:
                    self.heard.failures.append(wrong)
                else:
                    self.heard.seconds.append(time.monotonic() - begun)
