"""Two processes that share each batch learn what one learns alone, and go on only from what two wrote.

It is what `instance_count` above 1 rests on.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.training.conftest import NewJob
from tests.training.job import ALWAYS, Job
from tests.training.launched import TWO, ended, run, run_on_two_machines, started
from training import checkpoints
from training.train import main

pytestmark = pytest.mark.slow

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
    run(job, 2)
    return job


@pytest.fixture(scope="module")
def killed(new_job: NewJob) -> Job:
    """Two processes that go back to the middle of their second epoch. With dropout: their random states count.

    They save at steps 10, 20, … and at epochs' ends: 12, 24 and 36.
    """
    job = new_job(batch_size=4)
    run(job, 2, killed=True)
    assert newest(job, 2) == "checkpoint-20"
    return job


def newest(job: Job, processes: int) -> str | None:
    found = checkpoints.newest(job.checkpoints, job.arguments["run_id"], processes)
    return found.name if found else None


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
    assert newest(together, 2) == "checkpoint-36"
    files = {path.name for path in (together.checkpoints / "checkpoint-36").iterdir()}
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= files


def test_two_machines_end_together(new_job: NewJob) -> None:
    """The second has not even the folder of the best checkpoint when the Trainer looks for it."""
    first, second = (new_job(batch_size=4, epochs=1, checkpoint_minutes=10) for _ in range(2))
    run_on_two_machines([first, second])
    assert first.metrics()["steps"] == 12
    assert {path.name for path in first.checkpoints.iterdir()} == {"checkpoint-12"}
    assert not second.made("metrics.json").exists()


def test_all_save_when_the_first_one_s_clock_says_so(new_job: NewJob) -> None:
    """Whoever saves waits for the others: here the second would not save on its own before the epoch's end."""
    first, second = (new_job(batch_size=4, epochs=1, checkpoint_minutes=minutes) for minutes in (ALWAYS, 10))
    run_on_two_machines([first, second])
    for job in (first, second):
        assert {path.name for path in job.checkpoints.iterdir()} == {"checkpoint-10", "checkpoint-12"}


def test_a_loss_that_is_no_number_ends_both(new_job: NewJob) -> None:
    job = new_job(batch_size=4, learning_rate=1e30, warmup_ratio=0.0)
    code, said = ended(started(job, [*TWO, "training/train.py", *job.argv]))
    assert code != 0
    assert "still running" not in said
    assert job.failure.startswith("NotFinite: the loss is nan")


def test_two_go_on_from_two_to_the_same_bits(killed: Job, new_job: NewJob) -> None:
    uninterrupted, job = new_job(batch_size=4), new_job(batch_size=4)
    run(uninterrupted, 2)
    shutil.copytree(killed.checkpoints, job.checkpoints)
    assert "starting from checkpoint-20" in run(job, 2)
    assert job.weights() == uninterrupted.weights()


def test_two_start_over_where_one_was_before(undisturbed: Path, together: Job, new_job: NewJob) -> None:
    """One process has the same number of rows in a batch only by chance, and no random state for the second."""
    job = new_job(base_model=str(undisturbed), batch_size=4)
    run(job, 1, killed=True)
    assert newest(job, 1) is not None
    said = run(job, 2)
    assert "starting from the beginning" in said
    assert "of another run or number of processes: removed" in said
    assert job.weights() == together.weights()


def test_one_starts_over_where_two_were_before(
    killed: Job, new_job: NewJob, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_job(batch_size=4, epochs=1)
    shutil.copytree(killed.checkpoints, job.checkpoints)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    main(job.argv)
    assert "starting from the beginning" in capsys.readouterr().out
    assert job.metrics()["steps"] == 24, "twice as many batches as two processes have"
