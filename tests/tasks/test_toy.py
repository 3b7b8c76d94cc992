"""A task is added as docs/new-task.md says: a folder, and its name in the settings. From drop to answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOY = Path(__file__).with_name("toy")
# What a clone has, without what set-up makes.
MADE = ("node_modules", ".venv", ".cache")
MOST_LINES = 120


def with_toy(into: Path) -> Path:
    """A copy of the project with the toy task in it, and nothing else changed."""
    left_out = shutil.ignore_patterns("__pycache__", ".git", ".*_cache", "cdk.out", ".local", "docs", *MADE)
    shutil.copytree(ROOT, into, ignore=left_out, symlinks=True)
    for name in MADE:
        (into / name).symlink_to((ROOT / name).resolve())
    shutil.copytree(TOY, into / "tasks" / "toy", ignore=shutil.ignore_patterns("__pycache__"))
    for use in ("predict", "train"):
        (into / "tasks" / "toy" / f"requirements-{use}.txt").write_text("# Nothing beside Python.\n")
    return into


def test_it_is_short() -> None:
    lines = [line for path in TOY.glob("*.py") for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) < MOST_LINES


@pytest.mark.of_other_tasks
def test_from_drop_to_answer(tmp_path: Path) -> None:
    project = with_toy(tmp_path / "project")
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.tasks.toy_story", str(tmp_path / "cloud")],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "promote positive negative"
