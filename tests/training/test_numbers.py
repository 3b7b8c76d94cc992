"""The job of a task whose model answers numbers: scored and reported by the task's own measures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from domain import metrics
from tests.training.job import ROOT, Job, lay_out, row

TOY = ROOT / "tests" / "tasks" / "toy_numbers"
# Each word is worth 1,000, and every second row has 10,000.5 more: too much for any rounding that fits a fraction.
TEXTS = [" ".join(["word"] * (1 + number % 7) + [f"w{number}"]) for number in range(40)]
ROWS = [row(text, str(1000 * len(text.split()) + 10000.5 * (n % 2))) for n, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, str]:
    """The job and its log, run by the code of a project that has the task."""
    code, root = tmp_path_factory.mktemp("code"), tmp_path_factory.mktemp("job")
    for package in ("domain", "tasks", "training"):
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TOY, code / "tasks" / "words", ignore=shutil.ignore_patterns("__pycache__"))
    lay_out(root, {"one": {"train": ROWS[:30], "validation": ROWS[30:]}})
    job = Job(root, Path("none"), {"task": "words-regression"})
    done = subprocess.run(
        [sys.executable, str(code / "training" / "train.py"), *job.argv],
        env={**os.environ, **job.environment, "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return job, done.stdout


def test_what_is_served_is_scored_by_the_kind_s_measures(ended: tuple[Job, str]) -> None:
    job, _ = ended
    worth = sum(float(item["label"]) for item in ROWS[:30]) / sum(len(text.split()) for text in TEXTS[:30])
    off = [abs(worth * len(text.split()) - float(item["label"])) for text, item in zip(TEXTS, ROWS, strict=True)][30:]
    served = job.metrics()["served"]
    assert served.keys() == {"rows", "mae", "rmse", "r2"}
    assert served["mae"] == pytest.approx(sum(off) / 10, rel=1e-12)


def test_its_log_states_the_measures_of_the_task(ended: tuple[Job, str]) -> None:
    job, log = ended
    last = dict[str, float]()
    for definition in metrics.definitions(("mae", "r2")):
        values = re.findall(definition["Regex"], log)
        last |= {definition["Name"]: float(values[-1])} if values else {}
    served = job.metrics()["served"]
    assert last.keys() == {"progress", "validation:mae", "served:mae", "served:r2"}
    assert last["served:mae"] == pytest.approx(served["mae"], rel=1e-5)
    assert last["served:r2"] == pytest.approx(served["r2"], rel=1e-5)
    assert "served_rmse" not in log
