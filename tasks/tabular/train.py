"""How trees are learned from a table, exported and proved (`tasks/contract.py`)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

# Read when scikit-learn is imported: its threads would spin while they wait for one another, and beside other work
# 50 trees took 1.0 to 4.6 s instead of 0.3.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

import tasks
from domain.artifact import MODEL
from domain.gate.kinds import scored
from domain.gate.types import Value
from tasks.contract import Proof
from tasks.tabular import table
from tasks.tabular.manifest import Reading
from tasks.tabular.model import TableModel
from tasks.tabular.training import parity
from tasks.tabular.training.graph import graph
from tasks.tabular.training.importances import importances
from training.arguments import Arguments, Places
from training.checkpoints import write_json
from training.data import Rows, Splits
from training.report import report

# Trees see 255 values of a column at most (`max_bins`): one is what is left of all other categories.
MOST_CATEGORIES: Final = 254
# Where the log and the curves say how good the trees are so far.
_LOGS_PER_TRAINING: Final = 20


@dataclass(frozen=True)
class Hyperparameters:
    """What this training takes, as `tasks/tabular/settings.py` has it."""

    max_iter: int
    learning_rate: float
    max_leaf_nodes: int
    min_samples_leaf: int
    l2_regularization: float
    n_iter_no_change: int
    random_state: int


class Learner:
    """One training of boosted trees."""

    def __init__(self, arguments: Arguments, places: Places, splits: Splits) -> None:
        self._given: Hyperparameters = arguments.hyperparameters
        self._kind = tasks.kind(arguments.task)
        self._measures = tasks.measures(arguments.task)
        self._places, self._splits, self._schema = places, splits, splits.schema
        self._train, self._validation = self._table(splits.train), self._table(splits.validation)
        names = [name for name, kind in self._schema.items() if kind == "category"]
        self._categories = {
            name: frequent(self._train.categories[:, place].tolist()) for place, name in enumerate(names)
        }
        self._columns = columns(self._train, list(self._categories.values()))

    def train(self, _checkpoint: Path | None) -> None:
        """Learn until the loss on validation rows falls no more. An interrupted job starts again."""
        print("trees are learned in seconds: no checkpoint is kept, an interrupted job starts again", flush=True)
        learns = HistGradientBoostingClassifier if self._splits.labels else HistGradientBoostingRegressor
        given = asdict(self._given)
        self._trees: Any = learns(**given, early_stopping=True, scoring="loss", max_bins=MOST_CATEGORIES + 1)
        rows = self._encoded(self._train)
        # scikit-learn finds no thresholds in a column without any value, and raises; in one of zeros it needs none.
        rows[:, np.isnan(rows).all(axis=0)] = 0
        self._trees.fit(
            rows,
            self._targets(self._splits.train),
            X_val=self._encoded(self._validation),
            y_val=self._targets(self._splits.validation),
        )
        self._curves = list(self._measured())
        for point in self._curves:
            report("progress", min(1.0, point["step"] / self._given.max_iter), int(point["step"]))
            report("train_loss", point["loss"], int(point["step"]))
            for key in ("loss", *self._measures):
                report(f"validation_{key}", point[f"validation_{key}"], int(point["step"]))

    def is_first(self) -> bool:
        """It always is: one machine, one process."""
        return True

    def export(self, scratch: Path) -> None:
        """The graph that is served; scikit-learn's own pipeline, and the loss after each tree, for people."""
        made = graph(self._columns, self._trees, self._train.numbers.shape[1], self._train.categories.shape[1])
        self._graph = scratch / MODEL
        self._graph.write_bytes(made)
        self._places.output.mkdir(parents=True, exist_ok=True)
        joblib.dump(
            Pipeline([("columns", self._columns), ("trees", self._trees)]), self._places.output / "model.joblib"
        )
        write_json(self._places.output / "curves.json", self._losses())

    def prove(self) -> Proof:
        """The graph beside scikit-learn, on all validation rows. Raises ParityFailed."""
        model, rows = TableModel(self._graph, self._reading()), self._encoded(self._validation)
        found = model.run(self._validation)
        truths = self._truths()
        answers: Sequence[Value]
        if self._splits.labels:
            proved = parity.probabilities(self._trees.predict_proba(rows), found)
            answers = [self._splits.labels[label] for label in found.argmax(axis=1)]
        else:
            answers = model.numbers(found)
            scale, offset = float(np.std(np.array(truths, float))), self._reading().offset
            proved = parity.numbers(self._trees.predict(rows), np.array(answers), offset, scale, self._trees.n_iter_)
        return Proof(truths, answers, proved, {"onnx_difference": proved["onnx_difference"]})

    def files(self) -> Mapping[str, Path]:
        """The graph, which has everything."""
        return {MODEL: self._graph}

    def own(self) -> Mapping[str, Any]:
        """How the model reads a row."""
        return self._reading().to_json()

    def metrics(self) -> Mapping[str, Any]:
        """The last validation, the trees, the curves, and what each column is worth."""
        last = {name.removeprefix("validation_"): value for name, value in self._curves[-1].items() if name != "loss"}
        worth = importances(
            self._trees,
            self._encoded(self._validation),
            self._targets(self._splits.validation),
            [*self._reading().numbers, *self._categories],
            self._measures[0],
            self._given.random_state,
        )
        return {"validation": last, "steps": self._trees.n_iter_, "curves": self._curves, "importances": worth}

    def _table(self, rows: Rows) -> table.Table:
        of = table.columns(self._schema)
        return table.table([table.read(row, of) for row in rows.inputs], self._schema)

    def _encoded(self, rows: table.Table) -> NDArray[np.float32]:
        return np.array(self._columns.transform(joined(rows)), np.float32)

    def _targets(self, rows: Rows) -> NDArray[Any]:
        if not self._splits.labels:
            return np.array([float(label) for label in rows.labels])
        index = {label: place for place, label in enumerate(self._splits.labels)}
        return np.array([index[label] for label in rows.labels])

    def _truths(self) -> Sequence[Value]:
        labels = self._splits.validation.labels
        return labels if self._splits.labels else [float(label) for label in labels]

    def _reading(self) -> Reading:
        # Trees begin with the mean of the truths.
        offset = 0.0 if self._splits.labels else float(self._trees._baseline_prediction.ravel()[0])
        target = None if self._splits.labels else self._splits.target
        return Reading(self._schema, self._categories, self._splits.labels, target, offset)

    def _losses(self) -> list[dict[str, float]]:
        """The loss after each tree, on a part of the rows that are learned from and on validation rows."""
        pairs = zip(self._trees.train_score_, self._trees.validation_score_, strict=True)
        return [
            {"step": step, "loss": -float(one), "validation_loss": -float(other)}
            for step, (one, other) in enumerate(pairs)
        ]

    def _measured(self) -> Iterator[dict[str, float]]:
        """Some of the losses, the last one among them, with the measures of validation rows at those trees."""
        losses, truths = self._losses(), self._truths()
        chosen = range(len(losses) - 1, 0, -max(1, -(-len(losses) // _LOGS_PER_TRAINING)))
        staged = self._trees.staged_predict(self._encoded(self._validation))
        for step, found in enumerate(staged, 1):
            if step in chosen:
                answers = [self._splits.labels[label] for label in found] if self._splits.labels else found.tolist()
                scores = scored(self._kind, truths, answers).values
                yield {**losses[step], **{f"validation_{key}": scores[key] for key in self._measures}}


def learner(arguments: Arguments, places: Places, splits: Splits) -> Learner:
    """Rows as arrays, ready to be learned from."""
    return Learner(arguments, places, splits)


def frequent(texts: Sequence[str]) -> tuple[str, ...]:
    """The most frequent categories of a column, the most frequent first; a missing one ("") counts as one.

    Trees see their places as ordered numbers: skl2onnx knows no splits by sets of categories. On four random splits of
    Adult accuracy was 0.877 in this order, and 0.876 by the alphabet, by the share of a label, and with such splits.
    """
    counted = sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))
    return tuple(text for text, _ in counted[:MOST_CATEGORIES])


def columns(rows: table.Table, categories: Sequence[Sequence[str]]) -> ColumnTransformer:
    """What makes numbers of rows: numbers as they are, a category its place among the known ones, or the one after."""
    encoder = OrdinalEncoder(
        categories=[list(known) for known in categories],
        handle_unknown="use_encoded_value",
        unknown_value=MOST_CATEGORIES,
        dtype=np.float32,
    )
    numbers, every = rows.numbers.shape[1], rows.numbers.shape[1] + rows.categories.shape[1]
    groups = [("numbers", "passthrough", slice(0, numbers)), ("categories", encoder, slice(numbers, every))]
    made = ColumnTransformer([group for group in groups if group[2].start != group[2].stop])
    return made.fit(joined(rows))


def joined(rows: table.Table) -> NDArray[np.object_]:
    """Numbers and categories side by side."""
    return np.hstack([rows.numbers.astype(object), rows.categories])
