"""`make test-gpu` where there is no GPU: it says so, and its script works."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.gpu import NO_GPU
from tests.training.job import ROOT


def run(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.gpu", *given],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_gpu_it_refuses_in_words() -> None:
    refused = run()
    assert (refused.returncode, refused.stdout) == (NO_GPU, "")
    assert "sees no GPU here" in refused.stderr


@pytest.mark.slow
def test_its_script_kills_resumes_and_compares() -> None:
    done = run("--on-cpu")
    assert done.returncode == 0, done.stderr
    assert "without its GPU: GpuMissing: this instance has 1 GPU" in done.stdout
    assert "starting from checkpoint-" in done.stdout
    assert "the weights are the same, bit for bit\n" in done.stdout
