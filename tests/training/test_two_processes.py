"""Two processes that share each batch learn what one learns alone: what `instance_count` above 1 rests on.

The launcher is torchrun, as in AWS's toolkit (sagemaker_training/torch_distributed.py); gloo stands in for NCCL.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.conftest import NewJob
from tests.training.job import ROOT, Job
from training import checkpoints
from training.train import main

# Sums are taken in another order, and Adam's first steps make the most of it.
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def undisturbed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base model without dropout: each process draws its own, so two could not be compared with one."""
    copy = tmp_path_factory.mktemp("undisturbed") / "base"
    shutil.copytree(base, copy)
    config = json.loads((copy / "config.json").read_bytes())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (copy / "config.json").write_text(json.dumps(config))
    return copy


@pytest.fixture(scope="module")
def together(undisturbed: Path, new_job: NewJob) -> Job:
    job = new_job(base_model=str(undisturbed), batch_size=4)
    command = [str(Path(sys.executable).parent / "torchrun"), "--standalone", "--nproc_per_node", "2"]
    result = subprocess.run(
        [*command, "training/train.py", *job.argv],
        cwd=ROOT,
        env={**job.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return job


def curve(job: Job, key: str) -> list[tuple[int, float]]:
    entries: list[dict[str, Any]] = json.loads((job.root / "output" / "data" / "curves.json").read_bytes())
    return [(entry["step"], entry[key]) for entry in entries if key in entry]


@pytest.mark.parametrize("key", ["loss", "eval_loss"])
def test_the_loss_is_that_of_one_process_with_the_same_batches(
    key: str, undisturbed: Path, together: Job, new_job: NewJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = new_job(base_model=str(undisturbed), batch_size=8)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(alone.root))
    main(alone.argv)
    steps, losses = zip(*curve(alone, key), strict=True)
    others, found = zip(*curve(together, key), strict=True)
    assert others == steps
    assert found == pytest.approx(losses, abs=TOLERANCE)
    assert losses[-1] < 0.9 * losses[0]


def test_a_checkpoint_of_two_processes_is_whole(together: Job) -> None:
    newest = checkpoints.newest(together.checkpoints, together.arguments["run_id"])
    assert newest == together.checkpoints / "checkpoint-36"
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= {path.name for path in newest.iterdir()}
