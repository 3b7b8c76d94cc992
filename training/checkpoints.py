"""Checkpoints that are whole or do not count.

No signal reaches a training script in AWS's images, so a Spot interruption can kill it in the middle of a save, and
/opt/ml/checkpoints travels through S3 file by file, in no promised order. So the Trainer writes as it likes, and a
checkpoint exists only once it is sealed: one last file, renamed into place, with the size and SHA-256 of every other
file. A seal that arrives before the files it names, or beside a stale one, does not match and does not count.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Final

from domain.artifact import sha256_file

SEAL: Final = "sealed.json"
# So many times what the last one took, the next one waits: writing them is a twentieth of the time.
_TIMES: Final = 19
# In seconds: nobody knows yet how long the first one takes.
_FIRST: Final = 60.0
_STATE: Final = "trainer_state.json"
_KEPT: Final = 2
_NAME: Final = re.compile(r"checkpoint-(\d+)")
# Random state of a process on another machine: a seal is of one machine's files, and S3 mixes those of all.
_ELSEWHERE: Final = re.compile(r"rng_state_\d+\.pth")


def wait(took: float | None, longest: float) -> float:
    """The seconds from one checkpoint, which `took` so many, to the next one's beginning: `longest` at most.

    The first one waits from the job's beginning; `took` is None then.
    """
    return min(_FIRST if took is None else _TIMES * took, longest)


def path_of(root: Path, step: int) -> Path:
    """Where the Trainer keeps the checkpoint of an optimizer step."""
    return root / f"checkpoint-{step}"


def seal(checkpoint: Path, run: str, processes: int) -> None:
    """Declare a checkpoint complete: to be called after its last file is written.

    `processes` wrote it together: only as many can go on from it, with the same rows in each batch.
    """
    files = {name: {"size": path.stat().st_size, "sha256": sha256_file(path)} for name, path in _files(checkpoint)}
    write_json(checkpoint / SEAL, {"run": run, "processes": processes, "files": files})


def is_sealed(checkpoint: Path, run: str, processes: int) -> bool:
    """Whether every file is there, as this very run sealed it with as many processes."""
    try:
        sealed = json.loads((checkpoint / SEAL).read_bytes())
        present = dict(_files(checkpoint))
        return (
            (sealed["run"], sealed["processes"]) == (run, processes)
            and all(name in sealed["files"] or _ELSEWHERE.fullmatch(name) for name in present)
            and all(present[name].stat().st_size == file["size"] for name, file in sealed["files"].items())
            and all(sha256_file(present[name]) == file["sha256"] for name, file in sealed["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def newest(root: Path, run: str, processes: int) -> Path | None:
    """The newest checkpoint to resume `run` from with as many processes, if any.

    Usable is a sealed checkpoint whose best predecessor is there too: without it, the run would end with another
    model than an uninterrupted one.
    """
    usable = _usable(root, run, processes)
    return path_of(root, max(usable)) if usable else None


def remove_unusable(root: Path, run: str, processes: int) -> None:
    """Remove the checkpoints that `newest` passes over, before new ones are written beside or into them."""
    usable = _usable(root, run, processes)
    for step, checkpoint in _all(root):
        if step not in usable:
            print(
                f"{checkpoint.name} is half-written, damaged, or of another run or number of processes: removed",
                flush=True,
            )
            shutil.rmtree(checkpoint)


def prune(root: Path) -> None:
    """Keep the two newest checkpoints, and the best one that each of them goes back to.

    The older one's too: until the newest is whole in S3, it is where an interrupted run resumes. The Trainer's own
    limit goes by modification times, which S3 does not preserve, and deletes before we seal.
    """
    found = _all(root)
    kept = found[-_KEPT:]
    # Machines but the first have no state there, only that of their random generators.
    best = {_best(checkpoint) for _, checkpoint in kept if (checkpoint / _STATE).exists()}
    for step, checkpoint in found[:-_KEPT]:
        if step not in best:
            shutil.rmtree(checkpoint)


def state_of(checkpoint: Path) -> dict[str, Any]:
    """The Trainer's state at a checkpoint."""
    state: dict[str, Any] = json.loads((checkpoint / _STATE).read_bytes())
    return state


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON: the whole file or nothing."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
    os.replace(partial, path)


def _usable(root: Path, run: str, processes: int) -> set[int]:
    usable: set[int] = set()
    for step, checkpoint in _all(root):
        if is_sealed(checkpoint, run, processes) and _best(checkpoint) in {None, step, *usable}:
            usable.add(step)
    return usable


def _best(checkpoint: Path) -> int | None:
    # 0 stands for none in some versions of the Trainer.
    return state_of(checkpoint).get("best_global_step") or None


def _all(root: Path) -> list[tuple[int, Path]]:
    found = ((_NAME.fullmatch(path.name), path) for path in (root.iterdir() if root.is_dir() else ()))
    return sorted((int(match[1]), path) for match, path in found if match and path.is_dir())


def _files(checkpoint: Path) -> list[tuple[str, Path]]:
    paths = (path for path in checkpoint.rglob("*") if path.is_file())
    named = ((path.relative_to(checkpoint).as_posix(), path) for path in paths)
    return sorted((name, path) for name, path in named if name not in (SEAL, f"{SEAL}.partial"))
