"""Resume exactness: training killed at 20 random moments, under the local cloud's Spot restart.

Half of the moments are anywhere between two steps' reports, half within the writing of a checkpoint. Each job's final
weights and int8 graph must be, bit for bit, those of a job that nobody killed. Each step has a checkpoint, so one step
is lost at most, beside what was not in S3 yet.
"""

from __future__ import annotations

import os
import random
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from bench.report import Result, Table, Target
from domain.artifact import MANIFEST, METRICS
from domain.data.records import row_id
from local.cloud import LocalCloud
from ops.reviews import rotten_tomatoes
from tests.local import builders
from tests.tiny_base import tiny_base
from tests.training.job import ALWAYS, Job, lay_out, sourcedir
from training.checkpoints import SEAL

KILLS: Final = 20
# 3 epochs of 15 steps.
_TRAIN, _VALIDATION, _BATCH, _EPOCHS = 960, 64, 64, 3
_LAST: Final = _EPOCHS * (_TRAIN // _BATCH)
_DEADLINE: Final = 900.0
_SETTINGS: Final = {"LOCAL_SAGEMAKER_SYNC_SECONDS": "0.2", "LOCAL_SAGEMAKER_RESTART_SECONDS": "0.2"}
_STEP: Final = re.compile(r"metric progress=\S+ step=(\d+)$", re.MULTILINE)
_START: Final = re.compile(r"starting from (?:checkpoint-(\d+)|the beginning)$", re.MULTILINE)

Found = TypeVar("Found")


@dataclass(frozen=True)
class Kill:
    """What was so when a job was killed, and what became of it. Steps are optimizer steps; 0 is the base model.

    `writing` is the checkpoint that was half written, `whole` the newest whole one on the instance.
    """

    reached: int
    writing: int | None
    whole: int
    resumed: int
    identical: bool

    @property
    def lost(self) -> int:
        """Steps that were computed again."""
        return self.reached - self.resumed


def run(*, full: bool) -> Result:  # noqa: ARG001 (it has one form)
    """The part `resume`: KILLS jobs, each killed once and resumed; two at a time."""
    chance = random.Random(7)
    moments = [(chance.randrange(1, _LAST), chance.random()) for _ in range(KILLS // 2)]
    writes = [(chance.randrange(1, _LAST), chance.random()) for _ in range(KILLS - len(moments))]
    with tempfile.TemporaryDirectory() as folder, _cloud(Path(folder)) as jobs, ThreadPoolExecutor(2) as pool:
        untouched = jobs.finish(jobs.start("untouched"))
        kills = [
            *pool.map(lambda moment: _killed(jobs, untouched, jobs.at_step, *moment), moments),
            *pool.map(lambda moment: _killed(jobs, untouched, jobs.in_write, *moment), writes),
        ]
    rows = [
        (
            f"step {kill.reached}" + (f", writing checkpoint-{kill.writing}" if kill.writing else ""),
            f"checkpoint-{kill.resumed}" if kill.resumed else "the beginning",
            kill.lost,
            "yes" if kill.identical else "NO",
        )
        for kill in sorted(kills, key=lambda kill: kill.reached)
    ]
    late = sum(kill.resumed < kill.whole for kill in kills)
    notes = (
        f"{len(kills)} jobs of {_LAST} steps in {_EPOCHS} epochs; a checkpoint after each step",
        f"{sum(kill.writing is not None for kill in kills)} were killed while they wrote a checkpoint, {late} before "
        "their newest whole one was in S3: such a job resumes from the one before, as it would on AWS",
    )
    return Result(
        "Resuming after SIGKILL",
        [Table("Kills", ("killed at", "resumed from", "steps lost", "weights identical"), rows, notes)],
        [
            Target.at_least("jobs that end with the untouched job's weights", KILLS, sum(k.identical for k in kills)),
            Target.at_most(
                "steps after the newest whole checkpoint on the instance",
                1,
                max(kill.reached - kill.whole for kill in kills),
            ),
        ],
        {"kills": len(kills), "identical": sum(k.identical for k in kills), "most_lost": max(k.lost for k in kills)},
    )


Moment = Callable[[str, int, float], None]


def _killed(jobs: _Jobs, untouched: dict[str, bytes], wait: Moment, step: int, fraction: float) -> Kill:
    """Start a job, wait for its moment, kill it, and compare what it ends with."""
    name = jobs.start(builders.unique("killed"))
    wait(name, step, fraction)
    group = jobs.cloud.training_job(name)["pid"]
    # Stopped first, so that what is seen is what is killed.
    os.killpg(group, signal.SIGSTOP)
    reached, (whole, writing) = jobs.reached(name), jobs.checkpoints(name)
    os.killpg(group, signal.SIGKILL)
    resumed = _until(lambda: _START.search(jobs.log(name, attempt=2)), f"{name} resumed")
    return Kill(reached, writing, whole, int(resumed[1] or 0), jobs.finish(name) == untouched)


@dataclass(frozen=True)
class _Jobs:
    """Training jobs of the real script on the local cloud, all on the same data."""

    cloud: LocalCloud
    role: str
    code: str
    job: Job

    def start(self, name: str) -> str:
        """Create a Spot job; returns its name."""
        own = {"sagemaker_program": "training/train.py", "sagemaker_submit_directory": self.code}
        request = builders.training_job(name, self.role, spot=True, **{**self.job.arguments, **own})
        request["InputDataConfig"] = [
            builders.channel(channel, f"s3://{builders.BUCKET}/data/{channel}/")
            for channel in ("train", "validation", "dataset")
        ]
        # Bits depend on the number of threads.
        request["Environment"] = {"OMP_NUM_THREADS": "1"}
        request["StoppingCondition"] = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
        self.cloud.client("sagemaker").create_training_job(**request)
        return name

    def finish(self, name: str) -> dict[str, bytes]:
        """The job's weights and what is served of it, once it is over. Raises RuntimeError if it did not complete."""
        record = _until(lambda: self._over(name), f"{name} over")
        if record["TrainingJobStatus"] != "Completed":
            raise RuntimeError(f"{name} ended {record['TrainingJobStatus']}: {record.get('FailureReason')}")
        output, model = (
            builders.members(builders.get(self.cloud, f"models/{name}/output/{archive}.tar.gz"))
            for archive in ("output", "model")
        )
        # Metrics tell how long things took, and the manifest has their checksum.
        made = {file: content for file, content in model.items() if file not in (METRICS, MANIFEST)}
        made["checkpoint/model.safetensors"] = output["checkpoint/model.safetensors"]
        return made

    def at_step(self, name: str, step: int, fraction: float) -> None:
        """Wait for a step's report and a `fraction` of the time that a step takes."""
        _until(lambda: self.reached(name) >= max(step - 1, 1), f"{name} at step {step}")
        began = time.monotonic()
        _until(lambda: self.reached(name) >= step, f"{name} at step {step}")
        time.sleep(fraction * (time.monotonic() - began))

    def in_write(self, name: str, step: int, fraction: float) -> None:
        """Wait until a checkpoint's first file is there and a few milliseconds more."""
        folder = self._root(name, 1) / "checkpoints" / f"checkpoint-{step}"
        _until(lambda: folder.exists() and any(folder.iterdir()), f"{name} writing checkpoint-{step}", pause=0.0005)
        time.sleep(fraction * 0.02)

    def reached(self, name: str) -> int:
        """The last step that the first attempt reported."""
        steps = _STEP.findall(self.log(name, attempt=1))
        return int(steps[-1]) if steps else 0

    def checkpoints(self, name: str) -> tuple[int, int | None]:
        """The newest sealed checkpoint of the first attempt (0 if none), and the one that is not sealed, if any."""
        found = {
            int(path.name.removeprefix("checkpoint-")): (path / SEAL).exists()
            for path in (self._root(name, 1) / "checkpoints").iterdir()
        }
        unsealed = [step for step, sealed in found.items() if not sealed]
        return max((step for step, sealed in found.items() if sealed), default=0), max(unsealed, default=None)

    def log(self, name: str, attempt: int) -> str:
        """What an attempt has printed so far."""
        path = self._root(name, attempt) / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _root(self, name: str, attempt: int) -> Path:
        return self.cloud.directory / "tmp" / "sagemaker" / "jobs" / name / str(attempt)

    def _over(self, name: str) -> dict[str, Any] | None:
        record: dict[str, Any] = self.cloud.client("sagemaker").describe_training_job(TrainingJobName=name)
        return record if record["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None


@contextmanager
def _cloud(folder: Path) -> Iterator[_Jobs]:
    """A local cloud with the code and the data: real reviews, and a base model whose step takes a while."""
    rows = [
        {"id": row_id({"text": text}), "features": {"text": text}, "label": label}
        for text, label in rotten_tomatoes()[: _TRAIN + _VALIDATION]
    ]
    lay_out(folder, {"reviews": {"train": rows[:_TRAIN], "validation": rows[_TRAIN:]}})
    hyperparameters = {
        "batch_size": _BATCH,
        "epochs": _EPOCHS,
        "checkpoint_minutes": ALWAYS,
        "max_length": 64,
        "int8_min_agreement": 0.0,
    }
    job = Job(folder, tiny_base(folder / "base", hidden=256), hyperparameters)
    with LocalCloud(settings=_SETTINGS).start(folder / "cloud") as cloud:
        cloud.client("s3").create_bucket(Bucket=builders.BUCKET)
        code = builders.put(cloud, "code.tar.gz", sourcedir(folder).read_bytes())
        data = folder / "input" / "data"
        for path in sorted(path for path in data.rglob("*") if path.is_file()):
            builders.put(cloud, f"data/{path.relative_to(data)}", path.read_bytes())
        role = builders.role(cloud, "training", builders.allow("s3:*", "logs:*", "cloudwatch:PutMetricData"))
        yield _Jobs(cloud, role, code, job)


def _until(look: Callable[[], Found | None], what: str, pause: float = 0.002) -> Found:
    """What `look` returns once it is true. Raises TimeoutError."""
    deadline = time.monotonic() + _DEADLINE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"never: {what}")
        time.sleep(pause)
    return found
