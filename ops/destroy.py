"""Taking a deployment down, once it was said whose it is and somebody answered that it is meant."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from rich.console import Console

from domain import layout
from ops.deployment import ROOT, aws_session
from ops.doctor.surroundings import PATIENCE
from ops.errors import NoAccess, OpsError, in_plain_words

COMMAND: Final = ("destroy", "--all", "--force")


class NotDestroyed(OpsError):
    """Nobody said that it is meant."""


def destroy(project: str, console: Console, *, yes: bool) -> int:
    """Say what goes and what stays, ask for the project's name unless `yes`, and run `cdk destroy`; its exit status.

    `project` is cdk.json's: the CDK destroys no other. Raises NotDestroyed without the right answer or without a
    terminal to ask at, and NoAccess where AWS does not say whose credentials these are.
    """
    account, region = _where(project)
    bucket, table = layout.bucket(project, account, region), layout.ledger(project)
    console.print(
        f"Pipeline {project} in account {account}, {region}: what runs is stopped, then its stack is deleted."
    )
    console.print(f"Its data, the bucket {bucket} and the table {table}, stays; make deploy takes it up again.")
    if not yes:
        _ask(project, console)
    program = ROOT / "node_modules" / ".bin" / "cdk"
    if not program.exists():
        raise OpsError("The CDK's CLI is not installed: make setup")
    return subprocess.run([program, *COMMAND], cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode


def _where(project: str) -> tuple[str, str]:
    """(account, region) of the environment's credentials. Raises NoAccess."""
    with in_plain_words(project):
        session = aws_session()
        if session.region_name is None:
            raise NoAccess("No AWS region. Set AWS_REGION, for example to us-east-1.")
        return str(session.client("sts", config=PATIENCE).get_caller_identity()["Account"]), session.region_name


def _ask(project: str, console: Console) -> None:
    """Raises NotDestroyed."""
    if not sys.stdin.isatty():
        raise NotDestroyed(
            "Nothing was destroyed: there is no terminal to ask at. If it is meant: make destroy YES=1, or "
            "mlops destroy --yes"
        )
    try:
        said = console.input(f"Type the project's name to take it down ({project}): ")
    except EOFError:
        said = ""
    if said.strip() != project:
        raise NotDestroyed("Nothing was destroyed: that is not its name.")
