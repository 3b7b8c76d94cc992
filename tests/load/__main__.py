"""`make load`: the deployed pipeline on the local cloud under load; prints the figures and writes docs/load.md.

Two things are measured: clients that keep asking while a new model replaces the live one, and a thousand files dropped
within a minute. Training and serving are real, of a tiny model. Exits 1 where a bound is missed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.client import percentile
from domain import layout
from domain.settings import Settings
from local.cloud import LocalCloud
from ops.console import make_console, make_table
from tests.e2e.conftest import BUCKET, OVERLAY, PROJECT
from tests.e2e.driver import Pipeline
from tests.e2e.material import as_csv, reviews
from tests.load import costs, dropping
from tests.load.asking import Clients, Heard
from tests.tiny_base import tiny_base

PAGE = Path(__file__).resolve().parents[2] / "docs/load.md"
FILES, WITHIN_SECONDS = 1000, 60.0
RATE, ASK_SECONDS, CLIENTS = 50.0, 60.0, 16
Row = tuple[str, str, str]


def main() -> int:
    """Measure, print, write; 1 where a bound is missed."""
    with tempfile.TemporaryDirectory() as folder, _deployed(Path(folder)) as pipeline:
        rows, met = _asked(pipeline)
        dropped, met_too = _dropped(pipeline)
    rows += dropped
    table = make_table("what", "measured", "bound")
    for row in rows:
        table.add_row(*row)
    make_console().print(table)
    PAGE.write_text(_page(rows), encoding="utf-8")
    return 0 if met and met_too else 1


@contextmanager
def _deployed(folder: Path) -> Iterator[Pipeline]:
    data = {**OVERLAY["data"], "quiet_seconds": 5, "settle_max_seconds": 300}  # type: ignore[dict-item]
    serving = {**OVERLAY["serving"], "max_concurrency": 4 * CLIENTS}  # type: ignore[dict-item]
    # Any model that meets the thresholds replaces the live one: here it is the replacing that counts.
    easy = dict.fromkeys(("max_drop", "margin", "max_label_drop", "max_total_drop"), 1.0)
    gate = {**OVERLAY["gate"], **easy}  # type: ignore[dict-item]
    overlay = {**OVERLAY, "data": data, "serving": serving, "gate": gate}
    threads = {"OMP_NUM_THREADS": "1", "LOCAL_SAGEMAKER_INHERIT": "OMP_NUM_THREADS"}
    quota = {"LOCAL_SAGEMAKER_SERVERLESS_CONCURRENCY": str(10 * CLIENTS)}
    with LocalCloud(folder / "cloud", settings={**threads, **quota}) as cloud:
        cloud.bootstrap()
        cloud.deploy(overlay)
        for file in tiny_base(folder / "base").iterdir():
            cloud.client("s3").upload_file(str(file), BUCKET, f"{layout.BASE}tiny/{file.name}")
        yield Pipeline(cloud, Settings.model_validate(overlay), BUCKET, "")


def _asked(pipeline: Pipeline) -> tuple[list[Row], bool]:
    """A first model goes live; then clients ask for a minute at least, while a drop replaces it."""
    pipeline.drop("first.csv", as_csv(reviews(120, seed=1)))
    first = _config_after(pipeline, "")
    begun = time.monotonic()
    with Clients(pipeline.cloud, PROJECT, "superb warm lovely", "positive", rate=RATE, clients=CLIENTS) as heard:
        pipeline.drop("second.csv", as_csv(reviews(600, seed=2)))
        second = _config_after(pipeline, first)
        time.sleep(max(5.0, begun + ASK_SECONDS - time.monotonic()))
    pipeline.rest()
    took = time.monotonic() - begun
    half, most = 1000 * median(heard.seconds), 1000 * percentile(heard.seconds, 0.99)
    rows = [
        ("requests while the model is replaced", f"{_count(heard):,} in {took:.0f} s", f"{RATE:.0f}/s asked for"),
        ("answers: median, 99%", f"{half:.0f} ms, {most:.0f} ms", ""),
        ("failed or wrong", f"{len(heard.failures)}", "0"),
        ("configs that served", f"{first}, then {second}", "2 different"),
    ]
    rows += [("a failure", failure[:100], "") for failure in sorted(set(heard.failures))]
    return rows, not heard.failures and second != first


def _count(heard: Heard) -> int:
    return len(heard.seconds) + len(heard.failures)


def _config_after(pipeline: Pipeline, config: str) -> str:
    """The endpoint's config once it is InService with another one than `config`."""

    def look() -> str | None:
        found = pipeline.endpoint()
        name = found["EndpointConfigName"] if found and found["EndpointStatus"] == "InService" else config
        return None if name == config else str(name)

    return pipeline.until("another config that is live", look)


def _dropped(pipeline: Pipeline) -> tuple[list[Row], bool]:
    """A thousand files within a minute, in place of those there are; until nothing is left to do."""
    pipeline.rest()
    jobs, earlier = set(pipeline.jobs()), pipeline.all_executions()
    begun = time.monotonic()
    texts = dropping.drop(pipeline, FILES, within=WITHIN_SECONDS, seed=1000)
    took = time.monotonic() - begun
    present = len(pipeline.keys(layout.LANDING))
    run = pipeline.until("a run of all files", lambda: dropping.run_of(pipeline, present))
    pipeline.rest()
    done = time.monotonic() - begun
    trained = set(pipeline.jobs()) - jobs
    used = dropping.used(pipeline, run.dataset)
    once = all(used[text] == 1 for text in texts)
    spent = costs.of(pipeline, [arn for arn in pipeline.all_executions() if arn not in earlier])
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(spent.outcomes.items()))
    rows = [
        ("files dropped, and their rows", f"{FILES:,} in {took:.0f} s, {sum(texts.values()):,}", ""),
        ("until all is concluded", f"{done:.0f} s", ""),
        ("training jobs", f"{len(trained)}", "at most 2"),
        ("rows that are in the last run's dataset once", f"{sum(used[t] == 1 for t in texts):,}", "all"),
        ("executions", outcomes, ""),
        ("transitions of a coalesced execution", f"{spent.most_coalesced}", "at most 3"),
        ("state transitions, Lambda calls", f"{spent.transitions:,}, {spent.invocations:,}", ""),
        ("list price of these, without free allowances", f"${spent.dollars:.4f}", ""),
    ]
    return rows, len(trained) <= 2 and once and spent.most_coalesced <= 3


def _page(rows: list[Row]) -> str:
    lines = [
        "# Under load",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make load` on the local cloud, with a tiny model. What counts",
        "are failures, jobs, transitions and calls; the seconds are those of this machine. Transitions are as Step",
        "Functions bills them: each state that is entered, and each retry.",
        "",
        "| what | measured | bound |",
        "|---|---|---|",
        *(f"| {what} | {measured} | {bound} |" for what, measured, bound in rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
