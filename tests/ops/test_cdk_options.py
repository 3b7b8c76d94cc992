"""Every option that this project gives to the CDK's CLI is one that the pinned CLI has: others it ignores."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache

import pytest

from ops.deployment import ROOT
from ops.destroy import COMMAND

FILES = [ROOT / "Makefile", *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
LOCAL = (ROOT / "local" / "cdk.py").read_text(encoding="utf-8")


@cache
def options(command: str) -> set[str]:
    """What `cdk COMMAND --help` names."""
    environment = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
    program = ROOT / "node_modules" / ".bin" / "cdk"
    said = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=True, env=environment)
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", said.stdout))


def known(command: str, option: str) -> bool:
    """Whether a command has an option; each that is a switch has its --no- form too."""
    return option in options(command) or option.replace("--no-", "--", 1) in options(command)


def typed() -> list[tuple[str, str]]:
    """(command, option) of every line that runs the CLI, in the Makefile, the workflows and `mlops destroy`."""
    found = [(COMMAND[0], word) for word in COMMAND[1:]]
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            run = re.match(r"\s*(?:- run: )?@?(?:npx )?cdk ([a-z]+)(.*)", line)
            if run:
                words = [word.split("=")[0] for word in run[2].split() if word.startswith("-")]
                found += [(run[1], word) for word in words or [""]]
    return found


def test_there_is_something_to_look_at() -> None:
    assert {command for command, _ in typed()} == {"bootstrap", "deploy", "destroy", "synth"}


@pytest.mark.parametrize(("command", "option"), [pair for pair in typed() if pair[1]])
def test_what_is_typed_is_known(command: str, option: str) -> None:
    assert known(command, option)


@pytest.mark.parametrize("command", ["bootstrap", "deploy", "destroy"])
def test_what_the_local_cloud_gives_to_every_command_is_known(command: str) -> None:
    common = LOCAL.split("line = [")[1].split("]")[0]
    given = re.findall(r'"(--?[a-z][a-z-]*)"', common)
    assert given
    assert [option for option in given if not known(command, option)] == []


def test_what_the_local_cloud_gives_to_some_is_known() -> None:
    for command in ("deploy", "destroy"):
        call = re.search(rf'self\._run\(\s*"{command}",(.*?)context=', LOCAL, re.DOTALL)
        assert call
        given = re.findall(r'"(--?[a-z][a-z-]*)"', call[1])
        assert given
        assert [option for option in given if not known(command, option)] == []
    assert {"--app", "--output", "-c"} <= options("deploy") & options("destroy")


def test_an_option_that_is_none_is_found() -> None:
    assert not known("synth", "--all")
    assert known("deploy", "--all")
    assert known("deploy", "--no-notices")


@pytest.mark.parametrize(
    ("target", "steps"),
    [
        ("deploy", ["doctor --before-deploy", "cdk bootstrap", "cdk deploy", "doctor --after-deploy"]),
        ("update", ["doctor --before-deploy", "cdk deploy", "doctor --after-deploy"]),
    ],
)
def test_a_deploy_asks_the_doctor_before_and_after(target: str, steps: list[str]) -> None:
    said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"doctor --\w+-deploy|cdk (?:bootstrap|deploy)", said)
    assert found == steps
    # One line for each: where one ends with 1, make goes no further.
    assert "|| true" not in said
