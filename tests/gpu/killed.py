"""The training script as a process: run to its end, killed between two steps, and run again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Timer

from tests.training.job import ROOT, Job

_STEP = re.compile(r"metric progress=\S+ step=(\d+)$")
TOOK = re.compile(r"^checkpoint-(\d+) took (\S+) s$", re.MULTILINE)


class FailedError(Exception):
    """The script did something else than it should; the message says what."""


def run(job: Job, until: float, **variables: str) -> tuple[int, str]:
    """Run the job to its end, which comes before `until` by the monotonic clock; its exit status and what it said."""
    with started(job, until, variables) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    return process.returncode, said


def run_well(job: Job, until: float) -> str:
    """Run the job to its end; what it said. Raises FailedError if it fails."""
    status, said = run(job, until)
    if time.monotonic() >= until:
        raise FailedError(f"it takes too long; the training script had come to here:\n{said}")
    if status:
        raise FailedError(f"the training script ended with {status}:\n{said}")
    return said


def kill(job: Job, steps: int, until: float) -> int:
    """Kill the job in its second epoch, some steps after a checkpoint; the step that it had reached.

    An epoch has so many `steps`. Raises FailedError if it ends before.
    """
    said, saved, reached = list[str](), 0, 0
    with started(job, until, {}) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if took := TOOK.search(line):
                saved = int(took[1])
            if step := _STEP.search(line):
                reached = int(step[1])
            if reached > saved > steps and saved % steps:
                process.kill()
                return reached
    raise FailedError(f"the training script was over before it could be killed:\n{''.join(said)}")


@contextmanager
def started(job: Job, until: float, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The job as a process; it is killed if it runs at `until`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.gpu.deterministic", *job.argv],
        cwd=ROOT,
        env={
            **os.environ,
            **job.environment,
            "PYTHONPATH": str(ROOT),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = Timer(max(until - time.monotonic(), 0), process.kill)
    timer.start()
    with process:
        try:
            yield process
        finally:
            timer.cancel()
