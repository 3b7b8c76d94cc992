"""From the channels' part files to the rows that a model learns from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from domain.errors import DatasetIncomplete, NoTrainingRows, NoValidationRows, TooFewLabels
from domain.printable import brief
from training.arguments import Places

if TYPE_CHECKING:
    from domain.data.settings import FeatureType
    from domain.settings import Kind

# `asked` of a task's row.py: what a model is asked of a row, from its features and their names.
Ask = Callable[[Mapping[str, str], Sequence[str]], Any]
_DERIVE: Final = "What is below datasets/ was changed or deleted: raise data.epoch to derive it anew"


@dataclass(frozen=True)
class Counts:
    """What became of the rows that were read."""

    train: int
    validation: int
    replaced: int
    held_out: int
    unlearnable: int
    set_aside: int = 0

    def to_json(self) -> dict[str, int]:
        """JSON-ready form."""
        return asdict(self)


@dataclass(frozen=True)
class Rows:
    """What a model is asked of each row, as the task has it, and the row's label; two sequences of the same length."""

    inputs: tuple[Any, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Splits:
    """What is learned from and what chooses the best epoch.

    `labels` are those of the train split, sorted; there are none where each row has a number. `features` are the names
    of the columns that a model is asked; `schema` has the type of each where they are not all texts. `target` is the
    name of the column that is learned.
    """

    train: Rows
    validation: Rows
    labels: tuple[str, ...]
    counts: Counts
    features: tuple[str, ...] = ()
    schema: Mapping[str, FeatureType] = field(default_factory=dict)
    target: str = "label"


@dataclass(frozen=True)
class _Fold:
    """Rows by id, and how many of those read were replaced by a later source."""

    rows: dict[str, tuple[Any, str]]
    replaced: int


def read(places: Places, dataset_id: str, features: Sequence[str], ask: Ask, kind: Kind) -> Splits:
    """The rows of a dataset version, each id once, none of them held out for the test or of a label set aside.

    `features` are what the settings name; of a table its version says which they are, and their types.
    Raises DatasetIncomplete, NoTrainingRows, TooFewLabels or NoValidationRows.
    """
    manifest = _manifest(places.dataset, dataset_id)
    sources, aside = manifest["sources"], set(manifest.get("set_aside", ()))
    schema: dict[str, FeatureType] = manifest.get("schema", {})
    features = tuple(schema or features)
    test_ids = set(_test_ids(places.dataset, sources))
    train = _fold(places.train, "train", sources, lambda row: ask(row, features))
    validation = _fold(places.validation, "validation", sources, lambda row: ask(row, features))
    # Splits follow from the group where there is one: the same text under two groups can stand on both sides.
    kept = {row: value for row, value in validation.rows.items() if row not in test_ids}
    trained = {row: value for row, value in train.rows.items() if row not in test_ids and row not in kept}
    # After the fold: the last word on a row may be a label of which there are too few rows.
    learned = {row: value for row, value in trained.items() if value[1] not in aside}
    labels = tuple(sorted({label for _, label in learned.values()})) if kind == "classification" else ()
    judged = {row: value for row, value in kept.items() if kind == "regression" or value[1] in labels}
    counts = Counts(
        train=len(learned),
        validation=len(judged),
        replaced=train.replaced + validation.replaced,
        held_out=len(train.rows) + len(validation.rows) - len(trained) - len(kept),
        unlearnable=len(kept) - len(judged),
        set_aside=len(trained) - len(learned),
    )
    if not learned:
        raise NoTrainingRows(f"dataset {dataset_id} has no row to train on ({counts}): drop more data")
    if kind == "classification" and len(labels) < 2:
        raise TooFewLabels(
            f"every training row has the label {brief(labels[0])!r}: a classifier needs two labels or more, "
            "so drop rows of another"
        )
    if not judged:
        raise NoValidationRows(f"dataset {dataset_id} has no row to validate on ({counts}): drop more data")
    return Splits(_rows(learned), _rows(judged), labels, counts, features, schema, manifest.get("target", "label"))


def _manifest(channel: Path, dataset_id: str) -> dict[str, Any]:
    path = channel / "versions" / dataset_id / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        return {**manifest, "sources": manifest["sources"]}
    except (OSError, ValueError, KeyError) as error:
        raise DatasetIncomplete(
            f"channel 'dataset' has no readable manifest of {dataset_id}: {error}. {_DERIVE}"
        ) from error


def _test_ids(channel: Path, sources: Sequence[dict[str, Any]]) -> Iterator[str]:
    for source in sources:
        path = channel / "parts" / "ids" / f"{source['source']}.txt.gz"
        yield from (line.strip() for line in _lines(path, "dataset"))


def _fold(
    channel: Path, split: str, sources: Sequence[dict[str, Any]], ask: Callable[[Mapping[str, str]], Any]
) -> _Fold:
    rows: dict[str, tuple[Any, str]] = {}
    total = 0
    for source in sources:
        path, promised, found = channel / f"{source['source']}.jsonl.gz", int(source["rows"][split]), 0
        # A source without rows of this split may have no part of it.
        if promised or path.exists():
            for line in _lines(path, split):
                row = json.loads(line)
                rows[row["id"]] = (ask(row["features"]), row["label"])
                found += 1
        if found != promised:
            raise DatasetIncomplete(
                f"{path.name} in channel {split!r} has {found} rows, the manifest says {promised}. {_DERIVE}"
            )
        total += found
    return _Fold(rows, total - len(rows))


def _lines(path: Path, channel: str) -> Iterator[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from lines
    except (OSError, EOFError) as error:
        raise DatasetIncomplete(f"{path.name} in channel {channel!r} cannot be read: {error}. {_DERIVE}") from error


def _rows(rows: dict[str, tuple[Any, str]]) -> Rows:
    inputs, labels = zip(*rows.values(), strict=True)
    return Rows(inputs, labels)
