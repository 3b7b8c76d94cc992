"""How a text classifier answers requests and rows (`tasks/contract.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from domain.artifact import Manifest
from tasks.contract import Prediction
from tasks.formats import write
from tasks.text.input import text_of
from tasks.text.model import TextModel
from tasks.text.requests import check_lengths, parse


class Predictor(TextModel):
    """A model behind requests."""

    def respond(self, content_type: str, body: bytes, media_type: str) -> tuple[bytes, dict[str, object]]:
        """Labels for each text, and how many texts were cut."""
        invocation = parse(content_type, body, self.manifest.features)
        encoded = list(self.encode(invocation.texts, invocation.max_length))
        check_lengths(invocation, encoded)
        answer = self.read(encoded, invocation.top_k, invocation.function)
        return write(answer.predictions, invocation.single, media_type), {"truncated": sum(answer.truncated)}

    def best(self, rows: Sequence[Mapping[str, str]]) -> list[Prediction]:
        """The likeliest label of each row, with its probability."""
        return [first for first, *_ in self.predict([text_of(row, self.manifest.features) for row in rows])]

    def ping(self) -> None:
        """Read a word."""
        self.answer(["ping"])


def load(folder: Path, manifest: Manifest, verify: Callable[[], None], threads: int) -> Predictor:
    """The predictor of an unpacked artifact."""
    return Predictor.load(folder, manifest, verify, threads)
