from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from training import checkpoints

RUN = "0123456789ab"
FILES = ("model.safetensors", "optimizer.pt", "rng_state.pth", "scheduler.pt")


def write(root: Path, step: int, best: int | None = None, run: str = RUN, processes: int = 1) -> Path:
    checkpoint = checkpoints.path_of(root, step)
    checkpoint.mkdir(parents=True)
    for name in FILES:
        (checkpoint / name).write_bytes(f"{name} of {step}".encode())
    (checkpoint / "trainer_state.json").write_text(json.dumps({"best_global_step": best, "global_step": step}))
    checkpoints.seal(checkpoint, run, processes)
    return checkpoint


def truncate(checkpoint: Path) -> None:
    path = checkpoint / "optimizer.pt"
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(checkpoint: Path) -> None:
    path = checkpoint / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)


def lose_a_file(checkpoint: Path) -> None:
    (checkpoint / "rng_state.pth").unlink()


def mix_in_a_file(checkpoint: Path) -> None:
    (checkpoint / "scaler.pt").write_bytes(b"of an earlier attempt")


def lose_the_seal(checkpoint: Path) -> None:
    (checkpoint / checkpoints.SEAL).unlink()


def cut_the_seal(checkpoint: Path) -> None:
    seal = checkpoint / checkpoints.SEAL
    seal.write_text(seal.read_text()[:40])


def empty_the_seal(checkpoint: Path) -> None:
    (checkpoint / checkpoints.SEAL).write_text("null")


@pytest.mark.parametrize(
    "damage",
    [truncate, flip_a_bit, lose_a_file, mix_in_a_file, lose_the_seal, cut_the_seal, empty_the_seal],
)
def test_a_damaged_checkpoint_is_removed_and_the_one_before_resumed(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    older, newer = write(tmp_path, 10), write(tmp_path, 20)
    damage(newer)
    assert checkpoints.newest(tmp_path, RUN, 1) == older
    checkpoints.remove_unusable(tmp_path, RUN, 1)
    assert list(tmp_path.iterdir()) == [older]


@pytest.mark.parametrize("took", [0.01, 2.0, 31.0])
def test_they_cost_a_twentieth_of_the_time(took: float) -> None:
    assert took / (checkpoints.wait(took, longest=600) + took) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("took", "longest", "wait"),
    [
        # A twentieth of the time would be too late.
        (32.0, 600.0, 600.0),
        # The first of a job: what it takes is not known.
        (None, 600.0, 60.0),
        (None, 30.0, 30.0),
    ],
)
def test_none_is_later_than_the_bound(took: float | None, longest: float, wait: float) -> None:
    assert checkpoints.wait(took, longest) == wait


def test_the_newest_by_step_whatever_the_times(tmp_path: Path) -> None:
    for step in (900, 1000, 950):
        os.utime(write(tmp_path, step), (step, 5000 - step))
    assert checkpoints.newest(tmp_path, RUN, 1) == tmp_path / "checkpoint-1000"


def test_nothing_to_resume(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path / "absent", RUN, 1) is None
    assert checkpoints.newest(tmp_path, RUN, 1) is None


def test_another_runs_checkpoint_is_never_resumed(tmp_path: Path) -> None:
    write(tmp_path, 10, run="another")
    assert checkpoints.newest(tmp_path, RUN, 1) is None


@pytest.mark.parametrize("processes", [2, 4])
def test_a_checkpoint_of_other_processes_is_never_resumed(processes: int, tmp_path: Path) -> None:
    """Their batches have other rows, and each has random numbers of its own."""
    write(tmp_path, 10, processes=processes)
    assert checkpoints.newest(tmp_path, RUN, processes) == tmp_path / "checkpoint-10"
    assert checkpoints.newest(tmp_path, RUN, 1) is None


def test_a_checkpoint_without_its_best_predecessor_is_useless(tmp_path: Path) -> None:
    first, best = write(tmp_path, 10), write(tmp_path, 20, best=20)
    write(tmp_path, 30, best=20)
    truncate(best)
    assert checkpoints.newest(tmp_path, RUN, 1) == first
    checkpoints.remove_unusable(tmp_path, RUN, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-10"]


def test_a_seal_copied_before_its_files_does_not_count(tmp_path: Path) -> None:
    """S3 sync may bring the seal first."""
    source = write(tmp_path / "source", 10)
    target = tmp_path / "target" / "checkpoint-10"
    target.mkdir(parents=True)
    for name in (checkpoints.SEAL, *FILES, "trainer_state.json"):
        assert not checkpoints.is_sealed(target, RUN, 1)
        shutil.copy(source / name, target / name)
    assert checkpoints.is_sealed(target, RUN, 1)


def test_the_other_machines_random_state_does_not_break_the_seal(tmp_path: Path) -> None:
    """S3 mixes what each machine of a job wrote into the same checkpoint."""
    checkpoint = write(tmp_path, 10)
    (checkpoint / "rng_state_1.pth").write_bytes(b"of the second machine")
    assert checkpoints.newest(tmp_path, RUN, 1) == checkpoint


@pytest.mark.parametrize(
    ("best", "left"),
    [
        ((None, None), [30, 40]),
        ((10, 10), [10, 30, 40]),
        ((30, 40), [30, 40]),
        # The newest is the best so far; the one before it still needs its own, should the newest not reach S3.
        ((20, 40), [20, 30, 40]),
    ],
)
def test_pruning_keeps_the_two_newest_and_their_best(
    best: tuple[int | None, int | None], left: list[int], tmp_path: Path
) -> None:
    for step, its in zip((10, 20, 30, 40), (None, None, *best), strict=True):
        write(tmp_path, step, best=its)
    checkpoints.prune(tmp_path)
    assert sorted(int(path.name.removeprefix("checkpoint-")) for path in tmp_path.iterdir()) == left
