"""Who may import whom, and what no file of this project may say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_imports_point_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_tests_of_a_folder_stay_on_one_worker() -> None:
    """Else each worker would make each folder's cloud, and every chapter of a story would be played on its own."""
    line = [sys.executable, "-m", "pytest", "-vv", "-n", "2", "--dist", "loadgroup", "tests/domain/test_golden_rows.py"]
    said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    workers = re.findall(r"\[(gw\d)\] \[ *\d+%\] PASSED", said)
    assert len(workers) > 3
    assert len(set(workers)) == 1
