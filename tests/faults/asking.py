"""A client that keeps asking the live model, through everything that is done to the pipeline."""

from __future__ import annotations

import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.driver import Pipeline

QUESTIONS = {"superb warm lovely": "positive", "dull awful weak": "negative"}
_PAUSE_SECONDS = 0.4


class Client:
    """Asks in turn what it knows the answers of; use it as a context."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._over = pipeline, threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answers, self.wrong = 0, list[str]()

    def _ask(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            for text, expected in QUESTIONS.items():
                try:
                    found = self._pipeline.predict(text)
                except (ClientError, BotoCoreError, LookupError, ValueError) as error:
                    found = f"{type(error).__name__}: {error}"
                self.answers += 1
                if found != expected:
                    self.wrong.append(f"{text!r}: {found}")

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
