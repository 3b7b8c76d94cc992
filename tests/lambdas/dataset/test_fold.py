"""How many rows count after the fold: as training counts them, in flat memory, and read no further than needed."""

from __future__ import annotations

import gzip
import random
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports.folder import FolderEnvironment
from domain import layout
from domain.data.dataset import Source, Version
from domain.data.records import Contract, Row
from domain.errors import TrainingError
from domain.settings import Settings
from lambdas.dataset.enough import rare_labels, too_little
from lambdas.dataset.fold import Fold
from lambdas.dataset.parts import Report
from tasks.text.row import asked
from tests.landing import GROUPED, PLAIN, Landing, Triple, changes
from training.arguments import Places
from training.data import read

Part = Sequence[tuple[str, str]]
parts = st.lists(
    st.lists(st.tuples(st.integers(0, 30).map("{:02}".format), st.sampled_from("abc")), max_size=40), max_size=4
)


def environment(folder: str | Path, **data: Any) -> FolderEnvironment:
    settings = Settings.model_validate({"project": "folded", "data": data, "gate": {"min_test_rows": 1}})
    return FolderEnvironment.over(Path(folder), settings)


def write(env: FolderEnvironment, folder: str | Path, key: str, lines: Sequence[str]) -> None:
    path = Path(folder) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 1))


def laid_out(
    env: FolderEnvironment, folder: str | Path, sources: Sequence[Source], splits: Mapping[str, Sequence[Sequence[Row]]]
) -> Fold:
    """The parts and the reports of sources that have these rows, by split."""
    reports = {}
    for number, source in enumerate(sources):
        counts: dict[str, Counter[str]] = {}
        rows_of = {split: rows[number] for split, rows in splits.items()}
        for split, rows in rows_of.items():
            write(env, folder, layout.part(1, split, source.source), [row.to_json() for row in rows])
            for row in rows:
                counts.setdefault(row.label, Counter())[split] += 1
        write(env, folder, layout.test_ids(1, source.source), [row.id for row in rows_of.get("test", [])])
        rows_by_split = {split: len(rows_of.get(split, [])) for split in layout.SPLITS}
        labels = {label: dict(of) for label, of in counts.items()}
        reports[source.source] = Report(source.source, source.key, rows_by_split, labels=labels)
    return Fold(env, sources, reports)


def named(number: int) -> list[Source]:
    return [Source.of(f"landing/{one}.csv", "e", f"2026-01-01T00:{one:02}") for one in range(number)]


def trained_on(folder: str | Path, *files: Part) -> Fold:
    rows = [[Row(row, {"text": row}, label) for row, label in file] for file in files]
    return laid_out(environment(folder), folder, named(len(files)), {"train": rows})


@given(parts, st.integers(1, 6))
def test_exact_below_what_is_asked_for_and_enough_above(files: list[Part], least: int) -> None:
    last = {row: label for file in files for row, label in file}
    counts = Counter(last.values())
    with tempfile.TemporaryDirectory() as folder:
        if not files:
            return
        found = trained_on(folder, *files).count("train", {label: label for label in "abc"}, least)
    assert {label: min(rows, least) for label, rows in found.items()} == {
        label: min(counts[label], least) for label in "abc"
    }
    assert all(found[label] <= counts[label] for label in found)


def test_a_label_whose_newest_rows_were_all_renamed_is_looked_for_further_back(tmp_path: Path) -> None:
    old = [(f"{number:04}", "old") for number in range(1000)]
    fold = trained_on(tmp_path, old, [(row, "new") for row, _ in old[3:]])
    assert fold.count("train", {"old": "old", "new": "new"}, 5)["old"] == 3
    fold = trained_on(tmp_path, old, [(row, "new") for row, _ in old])
    assert fold.count("train", {"old": "old", "new": "new"}, 1)["old"] == 0


def test_what_the_newest_part_tells_is_asked_of_no_other(tmp_path: Path) -> None:
    files = [[(f"{file}{number:03}", "ab"[number % 2]) for number in range(100)] for file in range(5)]
    fold = trained_on(tmp_path, *files)
    newest = layout.part(1, "train", fold.sources[-1].source)
    assert min(fold.count("train", {"a": "a", "b": "b"}, 5).values()) >= 5
    assert set(fold.env.client("s3").read) == {newest}


def test_a_long_part_does_not_come_into_memory_whole(tmp_path: Path) -> None:
    rows, chance = 20_000, random.Random(1)
    long = [Row(f"{number:08}", {"text": f"{number:01000}"}, chance.choice("ab")) for number in range(rows)]
    fold = laid_out(environment(tmp_path), tmp_path, named(1), {"train": [long]})
    tracemalloc.start()
    try:
        assert fold.count("train", {"a": "all", "b": "all"}, 100)["all"] >= 100
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < rows * 1_000 / 10


@pytest.mark.parametrize("contract", [PLAIN, GROUPED], ids=["plain", "grouped"])
@given(st.lists(changes, min_size=2, max_size=6), st.integers(1, 3))
def test_what_is_not_refused_training_takes_and_with_just_these_labels(
    contract: Contract, history: list[tuple[str, tuple[Triple, ...] | None]], least: int
) -> None:
    landing = Landing(contract)
    for change in history:
        landing.change(*change)
    plain = landing.version()
    if not plain.sources:
        return
    splits = {split: [landing.rows(source, split) for source in plain.sources] for split in layout.SPLITS}
    with tempfile.TemporaryDirectory() as folder:
        group = "author" if contract is GROUPED else None
        env = environment(folder, group=group, min_train_rows=2, min_label_rows=least)
        fold = laid_out(env, folder, plain.sources, splits)
        version = Version.of(1, list(plain.sources), plain.rows, set(plain.labels), rare_labels(fold, least))
        refusal = too_little(version, fold, env.settings)
        places = Places.of({"SAGEMAKER_BASE_DIR": f"{folder}/job"})
        channels = {"train": places.train, "validation": places.validation, "dataset": places.dataset}
        landing.lay_out(channels, version)
        try:
            found = read(places, version.dataset, ["text"], asked, "classification")
        except TrainingError:
            assert refusal
            return
    if not refusal:
        assert found.labels == version.labels
        assert min(Counter(found.train.labels).values()) >= least
