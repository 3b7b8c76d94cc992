"""Whether a dataset is worth a training job, and which of its labels are not yet: counted after the fold."""

from __future__ import annotations

from collections import Counter
from typing import Final

from domain.data.dataset import Version
from domain.data.vocabulary import A_NUMBER
from domain.explain import first_of
from domain.printable import brief
from domain.settings import Settings
from lambdas.dataset.fold import Fold

_ANY: Final = "any"


def labels(fold: Fold) -> set[str]:
    """The labels of the dataset; none where its rows have numbers."""
    return set(_written(fold, "train")) if fold.kind == "classification" else set()


def rare_labels(fold: Fold, least: int) -> set[str]:
    """The labels with under `least` training rows once duplicates are folded: their rows are set aside."""
    if fold.kind != "classification":
        return set()
    written = _written(fold, "train")
    # More than were written do not count. Of most labels the newest part tells that enough do.
    counted = fold.count("train", {label: label for label, rows in written.items() if rows >= least}, least)
    return {label for label in written if counted.get(label, 0) < least}


def too_little(version: Version, fold: Fold, settings: Settings) -> str | None:
    """Why this version is not worth a training job, or None."""
    found = []
    data, gate = settings.data, settings.gate
    kept = dict.fromkeys(version.labels if fold.kind == "classification" else [A_NUMBER], _ANY)
    for split, needed in (("train", data.min_train_rows), ("validation", 1), ("test", gate.min_test_rows)):
        written = _written(fold, split)
        most = sum(written[label] for label in kept)
        rows = min(most, fold.count(split, kept, needed).get(_ANY, 0)) if most >= needed else most
        if rows < needed:
            repeated = "" if most == rows else f": of {most}, many are repeated"
            found.append(f"{rows} different {split} rows of {needed} needed{repeated}")
    if fold.kind == "classification" and len(kept) < 2:
        found.append(f"{len(kept)} label of 2 needed: {sorted(map(brief, kept))}")
    if found and version.set_aside:
        named = first_of([repr(brief(label)) for label in version.set_aside], ", ")
        found.append(f"labels with under {data.min_label_rows} different training rows are set aside: {named}")
    return f"Not trained: {'; '.join(found)}. Drop more rows, or mend these." if found else None


def _written(fold: Fold, split: str) -> Counter[str]:
    """Rows of a split by label as they were dropped: no more than these can count. Every label is in it."""
    rows = Counter[str]()
    for source in fold.sources:
        for label, counts in fold.reports[source.source].labels.items():
            rows[label] += counts.get(split, 0)
    return rows
