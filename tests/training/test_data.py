from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data.records import Contract
from domain.errors import DatasetIncomplete, NoTrainingRows, NoValidationRows, TooFewLabels
from tasks.text.row import asked
from tests.landing import GROUPED, PLAIN, Landing, Triple, changes
from tests.training.job import DATASET, Rows, lay_out, reviews, row
from training.arguments import Places
from training.data import read

BOTH = [row("so good", "praise"), row("so bad", "blame")]
JUDGED = [row("rather good", "praise")]


def splits(tmp_path: Path, sources: dict[str, dict[str, Rows]], test_ids: tuple[str, ...] = ()) -> Any:
    lay_out(tmp_path, sources, test_ids)
    return read(Places.of({"SAGEMAKER_BASE_DIR": str(tmp_path)}), DATASET, ["text"], asked, "classification")


def by_text(rows: Any) -> dict[str, str]:
    return dict(zip(rows.inputs, rows.labels, strict=True))


def test_the_last_source_in_the_manifests_order_wins(tmp_path: Path) -> None:
    # Neither order of names nor of rows decides.
    first = {"train": [*BOTH, row("it is fine", "praise")], "validation": JUDGED}
    last = {"train": [row("it is fine", "blame")]}
    result = splits(tmp_path, {"zz": first, "aa": last})
    assert by_text(result.train) == {"so good": "praise", "so bad": "blame", "it is fine": "blame"}
    assert result.counts.replaced == 1


def test_duplicates_are_trained_on_once(tmp_path: Path) -> None:
    rows = reviews(40, seed=3)
    result = splits(tmp_path, {name: {"train": rows, "validation": JUDGED} for name in ("one", "two", "three")})
    assert len(result.train.inputs) == 40
    assert (result.counts.train, result.counts.validation) == (40, 1)
    assert result.counts.replaced == 2 * 41


def test_held_out_rows_are_dropped_from_both_channels(tmp_path: Path) -> None:
    leaked = [row("leaked one", "praise"), row("leaked two", "blame")]
    source = {"train": [*BOTH, leaked[0]], "validation": [*JUDGED, leaked[1]]}
    result = splits(tmp_path, {"one": source}, tuple(item["id"] for item in leaked))
    assert by_text(result.train).keys() == {"so good", "so bad"}
    assert by_text(result.validation).keys() == {"rather good"}
    assert result.counts.held_out == 2


def test_a_row_of_both_splits_is_not_trained_on(tmp_path: Path) -> None:
    result = splits(tmp_path, {"one": {"train": [*BOTH, *JUDGED], "validation": JUDGED}})
    assert "rather good" not in by_text(result.train)


@given(st.lists(changes, min_size=2, max_size=6), st.sampled_from([PLAIN, GROUPED]))
def test_no_row_that_is_held_out_is_trained_on_however_landing_came_to_be(
    history: list[tuple[str, tuple[Triple, ...] | None]], contract: Contract
) -> None:
    landing = Landing(contract)
    for change in history:
        landing.change(*change)
    version = landing.version()
    with tempfile.TemporaryDirectory() as folder:
        places = Places.of({"SAGEMAKER_BASE_DIR": folder})
        channels = {"train": places.train, "validation": places.validation, "dataset": places.dataset}
        landing.lay_out(channels, version)
        try:
            found = read(places, version.dataset, ["text"], asked, "classification")
        except (NoTrainingRows, TooFewLabels, NoValidationRows):
            return
    test = {row.features["text"] for source in version.sources for row in landing.rows(source, "test")}
    trained, validated = found.train.inputs, found.validation.inputs
    assert not test & {*trained, *validated}
    assert not {*trained} & {*validated}
    assert len({*trained}) == len(trained)


def test_labels_are_those_that_can_be_learned(tmp_path: Path) -> None:
    validation = [*JUDGED, row("hm", "indifference")]
    result = splits(tmp_path, {"one": {"train": BOTH, "validation": validation}})
    assert result.labels == ("blame", "praise")
    assert len(result.validation.inputs) == result.counts.unlearnable == 1


@pytest.mark.parametrize(
    ("train", "validation", "error", "says"),
    [
        ([], JUDGED, NoTrainingRows, "no row to train on"),
        (BOTH[:1], JUDGED, TooFewLabels, "every training row has the label 'praise'"),
        (BOTH, [], NoValidationRows, "no row to validate on"),
        (BOTH, [row("hm", "indifference")], NoValidationRows, "no row to validate on"),
    ],
)
def test_splits_that_cannot_be_learned_from(
    train: Rows, validation: Rows, error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        splits(tmp_path, {"one": {"train": train, "validation": validation}})


def test_an_incomplete_channel_fails(tmp_path: Path) -> None:
    places = Places.of({"SAGEMAKER_BASE_DIR": str(tmp_path)})
    lay_out(tmp_path, {"one": {"train": BOTH, "validation": JUDGED}})
    part = places.train / "one.jsonl.gz"
    whole = part.read_bytes()
    part.write_bytes(whole[:-12])
    with pytest.raises(DatasetIncomplete, match=r"one\.jsonl\.gz in channel 'train' cannot be read"):
        read(places, DATASET, ["text"], asked, "classification")
    part.unlink()
    with pytest.raises(DatasetIncomplete, match=r"one\.jsonl\.gz in channel 'train' cannot be read"):
        read(places, DATASET, ["text"], asked, "classification")
    part.write_bytes(whole)
    manifest = places.dataset / "versions" / DATASET / "manifest.json"
    promised = json.loads(manifest.read_bytes())
    promised["sources"][0]["rows"]["train"] = 3
    manifest.write_text(json.dumps(promised))
    with pytest.raises(DatasetIncomplete, match="has 2 rows, the manifest says 3"):
        read(places, DATASET, ["text"], asked, "classification")
    with pytest.raises(DatasetIncomplete, match="no readable manifest of another"):
        read(places, "another", ["text"], asked, "classification")


def test_rows_of_a_label_set_aside_are_not_trained_on_after_the_fold(tmp_path: Path) -> None:
    first = {"train": [*BOTH, row("hm", "praise")], "validation": [*JUDGED, row("hm hm", "stray")]}
    sources = {"one": first, "two": {"train": [row("hm", "stray")]}}
    lay_out(tmp_path, sources, ())
    places = Places.of({"SAGEMAKER_BASE_DIR": str(tmp_path)})
    manifest = places.dataset / "versions" / DATASET / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "set_aside": ["stray"]}))
    result = read(places, DATASET, ["text"], asked, "classification")
    assert by_text(result.train).keys() == {"so good", "so bad"}, "nor does an earlier word on it count"
    assert result.labels == ("blame", "praise")
    assert (result.counts.set_aside, len(result.validation.inputs)) == (1, 1)
