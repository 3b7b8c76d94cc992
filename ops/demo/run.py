"""The demo from start to end: a cloud comes up, files are dropped four times, and everything is gone again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from local.cloud import LocalCloud
from ops import runs
from ops.cloud import DIRECTORY, deployed, stay_up
from ops.console import seconds, styled
from ops.demo import story
from ops.demo.play import Play
from ops.deployment import Deployment
from ops.errors import OpsError
from ops.steps import step


def demo(console: Console, play: Play, *, keep: bool, after: Callable[[LocalCloud], None] | None = None) -> None:
    """Tell the story of `play`, then do `after` with the cloud; with `keep` it stays up until Ctrl-C.

    Raises OpsError if something of it is not so.
    """
    started = time.monotonic()
    what = ": drop a file, get a better model. On this machine, with no AWS account."
    console.print(styled(("Automate MLOps", "bold"), what))
    console.print()
    # Two demos at a time must not share files.
    directory = DIRECTORY / f"demo-{os.getpid()}"
    try:
        with deployed(directory, play.settings, console) as cloud, tempfile.TemporaryDirectory() as scratch:
            _tell(cloud, play, Path(scratch), console)
            if after:
                after(cloud)
            console.print(f"The whole demo took {seconds(time.monotonic() - started)}.")
            if keep:
                stay_up(cloud, play.project, console, file=play.example, asked=play.typed)
            else:
                _where_next(play, console)
                with step("Stopping everything", console):
                    cloud.stop()
    except OpsError as error:
        raise type(error)(*error.args, f"Logs of the local cloud and of the CDK: {directory}") from error
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def _tell(cloud: LocalCloud, play: Play, folder: Path, console: Console) -> None:
    play.begin(cloud, console)
    with step(f"Preparing {play.what} (mlops prepare-data{play.option})", console):
        play.prepare(folder)
    deployment = Deployment.on(cloud, play.project)
    told = [tell(deployment, play, folder, console) for tell in story.DROPS]
    console.print()
    console.print(styled(("Four drops", "bold"), " (mlops runs)"))
    console.print(runs.table(deployment, len(told)))
    story.closing(deployment, told, console)


def _where_next(play: Play, console: Console) -> None:
    again = f"./mlops demo{play.option} --keep"
    known = {
        again: "the same, and the cloud stays up: try ./mlops explain, held, release, predict",
        "./mlops local": "an empty local cloud, for your own files",
        "make deploy": "the same stacks to your AWS account",
        "docs/README.md": "settings, costs, what happens on failure; docs/decisions says why",
    }
    console.print()
    console.print("Where to look next:")
    for what, why in known.items():
        console.print(f"  {what:{len(again)}}   {why}")
    console.print()
