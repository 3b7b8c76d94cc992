"""The bench's program that takes our server's start apart still does what the server does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.programs import stages
from ops.bootstrap import ROOT
from tests.tiny_model import tiny_artifact


def test_each_stage_of_the_start_takes_its_time(tmp_path: Path) -> None:
    folder = tiny_artifact(tmp_path / "tiny", ["negative", "positive"]).parent / "model"
    command = [sys.executable, stages.__file__, str(folder), repr(time.time())]
    found = json.loads(
        subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=True).stdout
    )
    assert [name for name, _, _ in found][-5:] == [
        "import the project's modules", "checksums", "session", "tokenizer", "first prediction"
    ]  # fmt: skip
    assert all(seconds > 0 for _, seconds, _ in found)
