"""The toy task's training: it counts in how many rows of a label a word stands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.contract import Proof
from training.arguments import Arguments, Places
from training.data import Splits

from .predict import best


@dataclass(frozen=True)
class Hyperparameters:
    """As in `settings.py`."""

    least: int


class Learner:
    """Counts of words."""

    def __init__(self, least: int, splits: Splits) -> None:
        self._least, self._splits = least, splits
        self._counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(splits.labels, 0))

    def train(self, _checkpoint: Path | None) -> None:
        """Count; it takes no time, so nothing is kept between."""
        for text, label in zip(self._splits.train.inputs, self._splits.train.labels, strict=True):
            for word in set(text.split()):
                self._counts[word][label] += 1
        often = {word: by for word, by in self._counts.items() if sum(by.values()) >= self._least}
        self._counts.clear()
        self._counts.update(often)

    def is_first(self) -> bool:
        """It always is."""
        return True

    def export(self, scratch: Path) -> None:
        """Write the counts."""
        self._file = scratch / "counts.json"
        self._file.write_text(json.dumps(self._counts))

    def prove(self) -> Proof:
        """What is served is what was counted."""
        answers = [best(self._counts, text, self._splits.labels).label for text in self._splits.validation.inputs]
        return Proof(self._splits.validation.labels, answers, parity={}, reported={})

    def files(self) -> Mapping[str, Path]:
        """One."""
        return {"counts.json": self._file}

    def own(self) -> Mapping[str, Any]:
        """The labels."""
        return {"labels": list(self._splits.labels)}

    def metrics(self) -> Mapping[str, Any]:
        """Nothing was measured on the way."""
        return {"validation": {}, "steps": 1, "curves": []}


def learner(arguments: Arguments, _places: Places, splits: Splits) -> Learner:
    """One that has counted nothing yet."""
    return Learner(arguments.hyperparameters.least, splits)
