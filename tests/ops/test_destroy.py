"""Nothing is destroyed that nobody meant: account and project are named, and asked about, and never waited for."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
from botocore.exceptions import ClientError

from domain import layout
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.deployment import ROOT
from ops.doctor.surroundings import written

# The last of them takes the stack down.
pytestmark = pytest.mark.chapters
PROJECT = written().project
TOPIC = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud with a stack of the project's name."""
    with LocalCloud().start(tmp_path_factory.mktemp("destroy")) as cloud:
        cloud.bootstrap()
        cloud.client("cloudformation").create_stack(StackName=PROJECT, TemplateBody=json.dumps(TOPIC))
        assert stands(cloud)
        yield cloud


def stands(cloud: LocalCloud) -> bool:
    try:
        return bool(cloud.client("cloudformation").describe_stacks(StackName=PROJECT)["Stacks"])
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise


def run(cloud: LocalCloud, line: list[str], stdin: int | IO[bytes]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLOPS_"))}
    environment = {**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", **cloud.environment()}
    return subprocess.run(
        line, cwd=ROOT, env=environment, stdin=stdin, capture_output=True, text=True, timeout=300, check=False
    )


def at_a_terminal(cloud: LocalCloud, *options: str, says: str) -> subprocess.CompletedProcess[str]:
    """What `mlops destroy` does for a person who types `says`."""
    ours, theirs = pty.openpty()
    with closing(os.fdopen(ours, "wb", buffering=0)) as keyboard, closing(os.fdopen(theirs, "rb")) as terminal:
        keyboard.write(says.encode())
        return run(cloud, [sys.executable, "-m", "ops", "destroy", *options], terminal)


def test_without_a_terminal_it_refuses_in_words(cloud: LocalCloud) -> None:
    said = run(cloud, [sys.executable, "-m", "ops", "destroy"], subprocess.DEVNULL)
    assert said.returncode == 2
    assert "Nothing was destroyed: there is no terminal to ask at" in said.stderr
    assert "make destroy YES=1" in said.stderr
    assert f"{PROJECT} in account {ACCOUNT}, {REGION}" in said.stdout
    assert layout.bucket(PROJECT, ACCOUNT, REGION) in said.stdout
    assert stands(cloud)


@pytest.mark.parametrize("says", ["yes\n", "\n", f"{PROJECT}x\n", "\x04"])
def test_another_word_than_its_name_destroys_nothing(cloud: LocalCloud, says: str) -> None:
    said = at_a_terminal(cloud, says=says)
    assert (said.returncode, stands(cloud)) == (2, True), said.stdout + said.stderr
    assert "Nothing was destroyed: that is not its name." in said.stderr


def test_make_passes_yes_on_and_nothing_else_does() -> None:
    for line, asked in ((["make", "-n", "destroy"], True), (["make", "-n", "destroy", "YES=1"], False)):
        said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert ("--yes" in said, "cdk destroy" in said) == (not asked, False)


@pytest.mark.slow
def test_its_name_destroys_it_and_so_does_yes(cloud: LocalCloud) -> None:
    said = at_a_terminal(cloud, says=f"{PROJECT}\n")
    assert (said.returncode, stands(cloud)) == (0, False), said.stdout + said.stderr
    cloud.client("cloudformation").create_stack(StackName=PROJECT, TemplateBody=json.dumps(TOPIC))
    assert stands(cloud)
    said = run(cloud, [sys.executable, "-m", "ops", "destroy", "--yes"], subprocess.DEVNULL)
    assert (said.returncode, stands(cloud)) == (0, False), said.stdout + said.stderr
