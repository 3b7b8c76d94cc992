"""Many small files, dropped by several threads, and what became of their rows."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from domain import layout
from domain.state import Run
from tests.e2e.driver import Pipeline
from tests.e2e.material import as_csv, reviews

ROWS = 5


def drop(pipeline: Pipeline, files: int, *, within: float, seed: int) -> Counter[str]:
    """Drop `files` files of a few rows each, spread over `within` seconds; their texts, counted."""
    begun = time.monotonic()
    rows = {f"part-{number:04}.csv": reviews(ROWS, seed=seed + number) for number in range(files)}

    def put(numbered: tuple[int, str]) -> None:
        number, name = numbered
        time.sleep(max(0.0, begun + number * within / files - time.monotonic()))
        pipeline.drop(name, as_csv(rows[name]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, enumerate(rows)))
    return Counter(text for made in rows.values() for text, _ in made)


def used(pipeline: Pipeline, dataset: str) -> Counter[str]:
    """The texts of a dataset's version over all its splits, counted."""
    s3, texts = pipeline.client("s3"), Counter[str]()
    for source in _sources(pipeline, dataset):
        for split in layout.SPLITS:
            key = layout.part(1, split, source["source"])
            lines = gzip.decompress(s3.get_object(Bucket=pipeline.bucket, Key=key)["Body"].read()).splitlines()
            texts.update(json.loads(line)["features"]["text"] for line in lines)
    return texts


def run_of(pipeline: Pipeline, files: int) -> Run | None:
    """The newest run, once it is concluded and its dataset has so many files."""
    runs = [run for run in pipeline.ledger.runs() if run.verdict]
    return runs[-1] if runs and len(_sources(pipeline, runs[-1].dataset)) == files else None


def _sources(pipeline: Pipeline, dataset: str) -> list[dict[str, str]]:
    sources: list[dict[str, str]] = pipeline.read_json(layout.version(1, dataset, "manifest.json"))["sources"]
    return sources
