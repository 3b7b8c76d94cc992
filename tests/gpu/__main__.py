"""`make test-gpu`: the training script on this machine's GPU. It needs CUDA, no network, and under five minutes.

In fp16, at DistilBERT's size, with weights and rows that are made here: killed and resumed, it ends with the bits of a
run that was left alone; without its GPU it fails and says so. And what could only be estimated elsewhere is measured:
steps a second, what a checkpoint takes, what the Trainer's NaN filter would.

The packages are those of the training image and of `tasks/text/requirements-train.txt`. Ends with 2 where there is no
GPU. `--on-cpu` does the same with a tiny model on a CPU, which shows that this script works.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median

import torch
from transformers.utils import logging

from tests.gpu import NO_GPU, killed, made
from tests.gpu.killed import TOOK, FailedError
from tests.gpu.made import EPOCHS, LARGE, SMALL, Plan
from tests.gpu.speed import Speed, measure
from tests.training.job import Job
from training import checkpoints

_LIMIT = 300.0
# What checkpoints followed before: steps.
_FORMER_STEPS = 200


def main() -> int:
    """Do it all, and print what was found; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=__doc__)
    parser.add_argument("--on-cpu", action="store_true", help="with a tiny model on the CPU")
    on_cpu = parser.parse_args().on_cpu
    # One GPU: the Trainer would divide a batch among several.
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if on_cpu else os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    if not on_cpu and not torch.cuda.is_available():
        print(
            f"PyTorch {torch.__version__} sees no GPU here, so nothing of the training script was tested on one. "
            "Run make test-gpu on a machine with CUDA, in AWS's training image or with its packages.",
            file=sys.stderr,
        )
        return NO_GPU
    logging.set_verbosity_error()
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            story(Path(folder), SMALL if on_cpu else LARGE, began + _LIMIT)
    except FailedError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(f"all in {time.monotonic() - began:.0f} s")
    return 0


def story(folder: Path, plan: Plan, until: float) -> None:
    """What the module says, below `folder`, over before `until`. Raises FailedError."""
    base = made.base(folder / "base", plan)
    print(machine(), flush=True)
    speed = measured(folder / "speed", base, plan)
    steps = min(round(speed.steps * plan.seconds), plan.steps)
    untouched = made.job(folder / "untouched", base, steps)
    missing(made.again(untouched, folder / "missing", made.MINUTES), until)
    said = killed.run_well(untouched, until)
    report_checkpoints(said, speed, untouched.checkpoints)

    job = made.again(untouched, folder / "killed", plan.minutes)
    reached = killed.kill(job, steps, until)
    said = killed.run_well(job, until)
    start = next(line for line in said.splitlines() if line.startswith("starting from "))
    if "checkpoint" not in start:
        raise FailedError(f"killed at step {reached}, the script did not resume: {start}")
    if job.weights() != untouched.weights():
        raise FailedError(f"killed at step {reached} and {start}, the script ended with other weights")
    print(f"killed at step {reached} of {EPOCHS * steps}, {start}: the weights are the same, bit for bit", flush=True)


def machine() -> str:
    """What this runs on."""
    if not torch.cuda.is_available():
        return f"a CPU, PyTorch {torch.__version__}"
    return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, PyTorch {torch.__version__}"


def measured(folder: Path, base: Path, plan: Plan) -> Speed:
    """Measure the speed, and print it."""
    with redirect_stdout(StringIO()):
        speed = measure(folder, base, plan)
    print(
        f"{speed.steps:.1f} steps a second of {made.BATCH} rows, {speed.tokens:.0f} tokens each on average; "
        f"the Trainer's NaN filter would be {speed.filtering:.1%} of the time",
        flush=True,
    )
    return speed


def missing(job: Job, until: float) -> None:
    """A job that was promised a GPU which PyTorch cannot use fails at once. Raises FailedError if not."""
    status, said = killed.run(job, until, CUDA_VISIBLE_DEVICES="", SM_NUM_GPUS="1")
    if not status or "GpuMissing: " not in said:
        raise FailedError(f"without its GPU the script ended with {status}:\n{said}")
    print(f"without its GPU: {job.failure}", flush=True)


def report_checkpoints(said: str, speed: Speed, folder: Path) -> None:
    """Print what checkpoints take, by what a job `said`; those of a GPU have the scale of fp16. Raises FailedError."""
    newest = max(folder.iterdir(), key=lambda path: int(path.name.removeprefix("checkpoint-")))
    if torch.cuda.is_available() and not (newest / "scaler.pt").exists():
        raise FailedError("the script did not train in fp16")
    size = sum(path.stat().st_size for path in newest.iterdir()) / 1e6
    took = median(float(seconds) for _, seconds in TOOK.findall(said))
    wait = checkpoints.wait(took, 60 * made.MINUTES)
    former = took / (took + _FORMER_STEPS / speed.steps)
    print(
        f"a checkpoint has {size:.0f} MB and takes {took:.2f} s; the next one follows after {wait:.0f} s, "
        f"{wait * speed.steps:.0f} steps: {took / (took + wait):.1%} of the time. Every {_FORMER_STEPS} steps it was "
        f"{former:.1%}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
