"""The local cloud, brought up with its pipeline deployed, and kept up for a person to use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from domain import layout
from local.cdk import CdkError
from local.cloud import ACCOUNT, REGION, LocalCloud, LocalCloudError
from ops.console import styled
from ops.deployment import ROOT
from ops.errors import OpsError
from ops.steps import step
from ops.stopping import stoppable, wait_for_stop

DIRECTORY: Final = ROOT / ".local"
# What a model of texts may be asked, as it is typed.
TEXT: Final = '"a warm, funny film"'


@contextmanager
def deployed(directory: Path, overlay: Mapping[str, Any], console: Console, port: int = 0) -> Iterator[LocalCloud]:
    """A local cloud with the real template deployed by the real CLI; stopped when the block is left, by a signal too.

    Raises OpsError if a part of it fails.
    """
    cloud = LocalCloud(directory)
    with stoppable(), ExitStack() as stack:
        # Before it is started: a signal may come while it starts.
        stack.callback(cloud.stop)
        try:
            with step("Starting the local cloud", console):
                cloud.start(port=port)
            with step("Bootstrapping (cdk bootstrap)", console):
                cloud.bootstrap()
            with step("Deploying (cdk deploy, the template that AWS would get)", console):
                cloud.deploy(overlay)
        except (LocalCloudError, CdkError) as error:
            raise OpsError(*str(error).splitlines()) from error
        yield cloud


def stay_up(cloud: LocalCloud, project: str, console: Console, *, file: str = "reviews.csv", asked: str = TEXT) -> None:
    """Say how to use the cloud (such as: drop `file`, predict `asked`), and wait for a signal."""
    console.print()
    for line in usage(cloud.environment(), project, file, asked):
        console.print(line)
    try:
        wait_for_stop()
    except KeyboardInterrupt:
        with step("Stopping the local cloud", console):
            cloud.stop()


def usage(environment: Mapping[str, str], project: str, file: str, asked: str) -> list[str | Text]:
    """What to type in another terminal."""
    bucket = layout.bucket(project, ACCOUNT, REGION)
    return [
        styled(("The local cloud is up.", "bold"), " In another terminal, for any AWS tool:"),
        "",
        *(f"  export {name}={value}" for name, value in environment.items()),
        f"  export MLOPS_PROJECT={project}",
        "",
        "Then, for example:",
        "",
        f"  aws s3 cp {file} s3://{bucket}/{layout.LANDING}",
        f"  ./mlops drop {file}",
        "  ./mlops watch",
        f"  ./mlops predict {asked}",
        "",
        "Ctrl-C stops everything; nothing is kept.",
    ]
