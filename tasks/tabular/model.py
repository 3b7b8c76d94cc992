"""From tables to labels or numbers with ONNX Runtime alone: scikit-learn stays in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.artifact import MODEL, ArtifactError
from tasks.contract import Prediction, PredictionError
from tasks.runtime import FAULTS, options, session
from tasks.tabular.manifest import CATEGORIES, NUMBERS, Reading
from tasks.tabular.table import Table

# Rows at once: enough for speed, little for the memory.
_ROWS: Final = 4096


class TableModel:
    """A loaded graph with what its manifest says of it. Safe to share between threads."""

    def __init__(self, path: Path, reading: Reading) -> None:
        """Load the graph at `path`. Raises ArtifactError."""
        self.reading = reading
        self._session = session(path, options())
        found = {tensor.name: tensor.shape[1:] for tensor in self._session.get_inputs()}
        wanted = {NUMBERS: [len(reading.numbers)], CATEGORIES: [len(reading.categories)]}
        self._inputs = [name for name, shape in wanted.items() if shape != [0]]
        if found != {name: wanted[name] for name in self._inputs}:
            raise ArtifactError(f"{MODEL} takes {found}, which is not what the manifest's schema says")
        if reading.output not in [tensor.name for tensor in self._session.get_outputs()]:
            raise ArtifactError(f"{MODEL} has no output {reading.output!r}")

    def run(self, table: Table) -> NDArray[np.float32]:
        """What the graph says: (rows, labels) probabilities, or (rows, 1) numbers. Raises PredictionError."""
        parts = [self._run(table.part(slice(start, start + _ROWS))) for start in range(0, len(table), _ROWS)]
        return np.concatenate(parts) if parts else np.empty((0, self._width), np.float32)

    def answer(self, table: Table, top_k: int | None = 1) -> list[list[Prediction]]:
        """The `top_k` likeliest labels of each row, best first (None: all of them); of regression the number.

        Raises PredictionError.
        """
        found = self.run(table)
        if self.reading.target is not None:
            return [[Prediction(self.reading.target, number)] for number in self.numbers(found)]
        best = np.argsort(-found, axis=1, kind="stable")[:, :top_k]
        labels = self.reading.labels
        return [
            [Prediction(labels[label], float(row[label])) for label in order]
            for row, order in zip(found, best, strict=True)
        ]

    def numbers(self, found: NDArray[np.float32]) -> list[float]:
        """What is predicted, of what the graph says."""
        return [self.reading.offset + float(number) for number in found[:, 0]]

    @property
    def _width(self) -> int:
        return len(self.reading.labels) or 1

    def _run(self, table: Table) -> NDArray[np.float32]:
        given: dict[str, Any] = {NUMBERS: table.numbers, CATEGORIES: table.categories}
        try:
            (found,) = self._session.run([self.reading.output], {name: given[name] for name in self._inputs})
        except FAULTS as error:
            raise PredictionError(f"the model failed: {error}") from error
        if found.shape != (len(table), self._width):
            raise PredictionError(f"the output has the shape {found.shape}, not {(len(table), self._width)}")
        if not np.isfinite(found).all():
            raise PredictionError("the model's output is not finite")
        return np.asarray(found, np.float32)
