"""The toy task's answers: the label whose rows had most of the text's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from domain.artifact import Manifest
from tasks.contract import Prediction
from tasks.formats import load as load_json
from tasks.formats import write


class Predictor:
    """Counts of words, ready to be asked."""

    def __init__(self, manifest: Manifest, counts: Mapping[str, Mapping[str, int]]) -> None:
        self.manifest, self._counts = manifest, counts

    def respond(self, _content_type: str, body: bytes, media_type: str) -> tuple[bytes, dict[str, object]]:
        """A label for each text of the inputs."""
        inputs = load_json(body.decode(), "the body")["inputs"]
        single = isinstance(inputs, str)
        return write([[self._best(text)] for text in ([inputs] if single else inputs)], single, media_type), {}

    def best(self, rows: Sequence[Mapping[str, str]]) -> list[Prediction]:
        """A label for each row."""
        return [self._best(row[self.manifest.features[0]]) for row in rows]

    def ping(self) -> None:
        """There is nothing that could fail."""

    def _best(self, text: str) -> Prediction:
        return best(self._counts, text, self.manifest.own["labels"])


def best(counts: Mapping[str, Mapping[str, int]], text: str, labels: Sequence[str]) -> Prediction:
    """The label whose rows had most of the text's words, and its share of them."""
    total = {label: 1 + sum(counts.get(word, {}).get(label, 0) for word in text.split()) for label in labels}
    first = max(labels, key=lambda label: total[label])
    return Prediction(first, total[first] / sum(total.values()))


def load(folder: Path, manifest: Manifest, verify: Callable[[], None], threads: int) -> Predictor:
    """The counts of an unpacked artifact."""
    verify()
    return Predictor(manifest, json.loads((folder / "counts.json").read_text()))
