"""A run that is killed and resumed must end with the bits of one that never was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.conftest import NewJob
from tests.training.job import ROOT, Job
from training import checkpoints
from training.train import main

pytestmark = pytest.mark.slow

# 96 rows in batches of 8: epochs end at steps 12, 24 and 36, and each step has a checkpoint.
SEALED_WHEN_KILLED = 16


@pytest.fixture(scope="module")
def uninterrupted(new_job: NewJob) -> Job:
    job = new_job()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
        main(job.argv)
    return job


def start(job: Job, module: str, *before: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *before, *job.argv],
        cwd=ROOT,
        env=job.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_same_model(job: Job, other: Job) -> None:
    assert job.weights() == other.weights()
    for name in ("model.onnx", "model.onnx.data", "tokenizer.json"):
        assert job.made(name).read_bytes() == other.made(name).read_bytes()


def test_killed_between_two_steps(new_job: NewJob, uninterrupted: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job()
    process = start(job, "training.train")
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("metric progress=") and line.endswith("step=17\n"):
            process.kill()
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, "".join(said)
    resumed_at = checkpoints.newest(job.checkpoints, job.arguments["run_id"], 1)
    assert resumed_at is not None
    # A step is reported before it is saved; this process may be slow to kill it.
    assert int(resumed_at.name.removeprefix("checkpoint-")) >= 16
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    main(job.argv)
    assert_same_model(job, uninterrupted)


@pytest.mark.parametrize("file", ["trainer_state.json", "sealed.json.partial"])
def test_killed_in_a_checkpoints_write(
    file: str,
    new_job: NewJob,
    uninterrupted: Job,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = new_job()
    process = start(job, "tests.training.killed", file, "17")
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output
    half_written = job.checkpoints / "checkpoint-17"
    assert (half_written / "optimizer.pt").exists()
    assert (half_written / file.removesuffix(".partial")).exists() is False

    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    main(job.argv)

    said = capsys.readouterr().out
    assert "checkpoint-17 is half-written" in said
    assert f"starting from checkpoint-{SEALED_WHEN_KILLED}" in said
    assert_same_model(job, uninterrupted)


def test_killed_after_training_on_another_machine(
    new_job: NewJob, uninterrupted: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints come back through S3 under another path and with other times: the best epoch is still found."""
    job = new_job()
    for source in sorted(uninterrupted.checkpoints.iterdir(), reverse=True):
        target = job.checkpoints / source.name
        target.mkdir(parents=True)
        for file in source.iterdir():
            (target / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    main(job.argv)
    assert_same_model(job, uninterrupted)


def test_an_early_stop_is_not_undone_by_an_interruption(new_job: NewJob, monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job(epochs=12, patience=1)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    main(job.argv)
    steps, weights = job.metrics()["steps"], job.weights()
    assert steps < 12 * 12
    main(job.argv)
    assert job.metrics()["steps"] == steps
    assert job.weights() == weights


def test_the_best_epoch_is_what_is_packaged(uninterrupted: Job) -> None:
    curves = json.loads((uninterrupted.root / "output" / "data" / "curves.json").read_bytes())
    scores = {entry["step"]: entry["eval_macro_f1"] for entry in curves if "eval_macro_f1" in entry}
    best = uninterrupted.metrics()["validation"]
    assert sorted(scores) == [12, 24, 36]
    assert best["macro_f1"] == max(scores.values())
    saved = Path(uninterrupted.checkpoints / f"checkpoint-{best['step']}" / "model.safetensors")
    assert saved.read_bytes() == uninterrupted.weights()
