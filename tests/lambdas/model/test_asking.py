"""docs/asking.md: its programs, as they stand there, ask a live endpoint and read its run in the registry."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from domain import layout
from lambdas.steps import promote
from tests.lambdas.models import Models
from tests.lambdas.project import Clients, Project
from tests.lambdas.steps.test_evaluate import judge, prepared
from tests.lambdas.steps.test_redeploy import deploy

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[3] / "docs" / "asking.md"
NAME = "automate-mlops"
TEXTS = ["a warm, funny film", "dull and far too long"]
# The SDK has telemetry, which it sends by `requests` and keeps quiet about: asking another machine ends the program.
LOOPBACK_ONLY = """
import os, sys

def _loopback_only(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in ("127.0.0.1", "::1", "localhost"):
        print(f"it asked {host}", file=sys.stderr, flush=True)
        os._exit(99)

sys.addaudithook(_loopback_only)
"""


@pytest.fixture
def project(aws: Clients, role: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project that the page speaks of."""
    return Project.create(aws, monkeypatch, role, NAME)


def program(title: str) -> str:
    """The code blocks below a heading of the page, one after another."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE))


def printed(code: str) -> list[str]:
    """The lines that a program prints, in a process that reaches this machine alone."""
    ended = subprocess.run([sys.executable, "-c", LOOPBACK_ONLY + code], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_the_sdk_and_boto3_say_what_the_model_and_the_receipt_say(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 170))
    # Some labels are wrong, so that accuracy and macro-F1 differ.
    project.drop("b.csv", models.reviews(170, 200, flipped=True))
    _, run = judge(project, prepared(project), models.right, job)
    config = deploy(run.execution, "candidate", run.run)["config"]
    project.endpoint("InService")
    promote.handler({"execution": run.execution, "run": run.run, "config": config}, None)
    # A later version of the group, which the programs must not take for the run's.
    project.client("sagemaker").create_model_package(
        ModelPackageGroupName=NAME, ModelApprovalStatus="Rejected", CustomerMetadataProperties={"run": "0" * 12}
    )

    answers = [found[0] for found in models.predictor.predict(TEXTS)]
    receipt = project.json(layout.run_file(run.run, "receipt.json"))
    scores = receipt["gate"]["candidate"]
    assert 0.5 < scores["accuracy"] != scores["macro_f1"]
    expected = [
        *(f"{answer.label} {round(answer.score, 4)}" for answer in answers),
        f"{run.run} Approved promote {scores['accuracy']:.4f} {scores['macro_f1']:.4f}",
        run.sentence,
        f"{receipt['data']['rows']} {receipt['training']['estimated_usd']}",
    ]
    assert printed(program("With the SDK")) == expected
    assert printed(program("With boto3")) == expected


def test_a_program_that_calls_home_fails() -> None:
    with pytest.raises(AssertionError, match=r"it asked home\.example"):
        printed("import socket\nsocket.create_connection(('home.example', 443))")
