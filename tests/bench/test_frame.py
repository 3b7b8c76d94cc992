"""The bench's frame: what is kept of a measurement, what is drawn of it, and what it runs as ours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench import chart, report
from bench.client import percentile, texts
from bench.contenders import FASTAPI, OURS
from bench.machine import this_machine
from bench.report import Result, Table, Target
from tests.tiny_base import tiny_base
from tests.training.job import Job, lay_out, reviews
from training import train

RESULT = Result(
    "Cold start",
    [Table("Starts", ("server", "ms"), [(OURS, 250.0), (FASTAPI, 3000.0)], ["n = 3"])],
    [Target.at_least("cold start", 11, 12.0, "×"), Target.at_most("memory", 170, 171.0, " MB")],
)
FIGURES = {
    "cold_start": {"cold start, ms: ": (250, 3000), "peak memory, MB: ": (130, 600)},
    "load": {"p50, ms, on 2 CPUs: ": (15, 60), "answers/s, 4 clients, on 2 CPUs: ": (100, 20)},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(chart, "RESULTS", tmp_path)
    monkeypatch.setattr(chart, "CHART", tmp_path / "bench.svg")


def test_keeps_figures_with_their_machine() -> None:
    kept = json.loads(report.keep("cold_start", RESULT, this_machine(), full=False).read_text())
    assert kept["machine"]["cpu"]
    assert kept["tables"][0]["rows"] == [[OURS, 250.0], [FASTAPI, 3000.0]]
    assert [(target["bound"], target["met"]) for target in kept["targets"]] == [
        ("at least 11×", True),
        ("at most 170 MB", False),
    ]


def test_a_training_that_is_measured_prints_into_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = reviews(24, seed=1)
    lay_out(tmp_path, {"one": {"train": rows[:16], "validation": rows[16:]}})
    job = Job(tmp_path, tiny_base(tmp_path / "base"), {"epochs": 1, "int8_min_agreement": 0.0})
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    report.quietly(tmp_path / "bench" / "train.log", lambda: train.main(job.argv))
    assert "metric train_loss=" in (tmp_path / "bench" / "train.log").read_text()
    assert capfd.readouterr().out == ""
    assert job.metrics()["steps"] == 2


def test_draws_once_everything_was_measured() -> None:
    for name, panels in FIGURES.items():
        assert chart.draw() is None
        figures = {
            f"{prefix}{server}": float(value)
            for prefix, values in panels.items()
            for server, value in zip((OURS, FASTAPI), values, strict=True)
        }
        report.keep(name, Result(name, [], figures=figures), this_machine(), full=False)
    drawn = chart.draw()
    assert drawn is not None
    svg = drawn.read_text()
    assert re.findall(r"ours [\d.]+× better", svg) == [
        f"ours {times}× better" for times in ("12.0", "4.6", "4.0", "5.0")
    ]
    assert this_machine().cpu in svg


def test_asks_with_real_texts_of_one_length() -> None:
    assert {len(text.split()) for text in texts(20)} == {40}
    assert len(set(texts(20))) == 20


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
