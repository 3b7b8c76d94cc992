"""Drops of every kind: quarantined, coalesced, replaced, retracted; nothing twice, nothing lost.

The story from drop to live, screened and rejected is tests/acceptance.
"""

from __future__ import annotations

import gzip
import json
import re

import pytest
from rich.console import Console

from domain import layout
from ops.deployment import Deployment
from ops.errors import NotFound
from ops.withdraw import withdraw
from tests.e2e.driver import Pipeline
from tests.e2e.material import reviews


def test_broken_rows_are_quarantined_and_good_rows_used(pipeline: Pipeline) -> None:
    pipeline.drop_rows("some broken+100% ü", reviews(400, seed=4), broken=True)
    run = pipeline.concluded("promote")
    receipt = pipeline.read_json(layout.run_file(run.run, "receipt.json"))
    assert receipt["data"]["rejected"] == 3
    assert sum(receipt["data"]["rows"].values()) == 397
    source = receipt["data"]["sources"][0]["source"]
    body = pipeline.client("s3").get_object(Bucket=pipeline.bucket, Key=layout.quarantine(source))["Body"].read()
    quarantined = [json.loads(line) for line in body.splitlines()]
    assert [entry["line"] for entry in quarantined] == [3, 6, 8]
    assert all(entry["reason"] for entry in quarantined)


def test_twenty_files_five_of_them_twice_and_one_during_training(pipeline: Pipeline) -> None:
    earlier = set(pipeline.jobs())
    files = {
        pipeline.drop_rows(f"part-{number:02}", reviews(30, seed=100 + number)) for number in [*range(20), *range(5)]
    }
    pipeline.until_in("Train")
    files.add(pipeline.drop_rows("late", reviews(30, seed=999)))
    pipeline.until("two runs", lambda: len([run for run in pipeline.ledger.runs() if run.verdict]) == 2)
    pipeline.rest()
    assert len(set(pipeline.jobs()) - earlier) <= 2

    last = pipeline.ledger.runs()[-1]
    manifest = pipeline.read_json(layout.version(1, last.dataset, "manifest.json"))
    assert sorted(source["key"] for source in manifest["sources"]) == sorted(f"landing/{name}" for name in files)
    ids = []
    for source in manifest["sources"]:
        for split in layout.SPLITS:
            key = layout.part(1, split, source["source"])
            body = pipeline.client("s3").get_object(Bucket=pipeline.bucket, Key=key)["Body"].read()
            ids += [json.loads(line)["id"] for line in gzip.decompress(body).splitlines()]
    assert len(ids) == len(set(ids)) == 21 * 30

    # Every event again, out of the blue: nothing is new, no job is started, the champion stays.
    before, champion = pipeline.jobs(), pipeline.ledger.champion()
    for _ in range(3):
        pipeline.start({"reason": "drop", "from": "Settle"})
    pipeline.rest()
    assert pipeline.jobs() == before
    assert pipeline.ledger.champion() == champion


def test_overwriting_replaces_and_deleting_retracts(pipeline: Pipeline) -> None:
    stays = pipeline.drop_rows("stays", reviews(300, seed=20))
    changes = pipeline.drop_rows("changes", reviews(60, seed=21))
    goes = pipeline.drop_rows("goes", reviews(60, seed=22))
    first = pipeline.concluded("promote")
    old = {s["key"]: s["source"] for s in _sources(pipeline, first.dataset)}

    pipeline.drop_rows("changes", reviews(60, seed=23))
    deployment = Deployment.on(pipeline.cloud, pipeline.project)
    assert withdraw(deployment, goes, Console(quiet=True)) == f"landing/{goes}"
    with pytest.raises(NotFound, match=f"there is no landing/{re.escape(goes)}"):
        withdraw(deployment, goes, Console(quiet=True))
    pipeline.until("a second run", lambda: len([run for run in pipeline.ledger.runs() if run.verdict]) == 2)
    pipeline.rest()
    new = {s["key"]: s["source"] for s in _sources(pipeline, pipeline.ledger.runs()[-1].dataset)}
    assert set(new) == {f"landing/{stays}", f"landing/{changes}"}
    assert new[f"landing/{stays}"] == old[f"landing/{stays}"]
    assert new[f"landing/{changes}"] != old[f"landing/{changes}"]


def _sources(pipeline: Pipeline, dataset: str) -> list[dict[str, str]]:
    sources: list[dict[str, str]] = pipeline.read_json(layout.version(1, dataset, "manifest.json"))["sources"]
    return sources
