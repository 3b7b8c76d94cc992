"""What is played to see which rights are used: the life of a project, with its failures, on the local cloud.

Training and serving are real, of a tiny model; IAM is enforced for every role, the state machine's own too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from domain import layout
from domain.settings import Settings
from domain.state import Run
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.approve import approve
from ops.deployment import Deployment
from ops.held import release
from ops.promote import promote
from ops.retrain import request_run, write_request
from ops.rollback import rollback
from stacks.cdk_json import merge
from tests.e2e import conftest as e2e
from tests.e2e.driver import Pipeline, listen
from tests.e2e.material import as_csv, reviews
from tests.stacks.synth import PROJECT
from tests.tiny_base import tiny_base

BUCKET = layout.bucket(PROJECT, ACCOUNT, REGION)
BASE = f"{layout.BASE}tiny/"
# What meets the thresholds goes live: the story is about rights, not about better models.
_EASY = dict.fromkeys(("max_drop", "margin", "max_label_drop", "max_total_drop"), 1.0)
OVERLAY = merge(
    e2e.OVERLAY,
    {
        "project": PROJECT,
        "training": {"base_model": f"s3://{BUCKET}/{BASE}"},
        "operations": {"max_attempts": 2},
        "gate": _EASY,
    },
)
MANUAL = merge(OVERLAY, {"gate": {"approval": "manual"}})
Chapter = Callable[["Stage"], None]


class Stage:
    """A deployed project that a chapter is played on; its first deploy is part of the story."""

    def __init__(self, cloud: LocalCloud, folder: Path, only: Path) -> None:
        """`folder` is for files; `only` tells the serving command whose server may start."""
        self.cloud, self.only = cloud, only
        cloud.deploy(OVERLAY)
        self.base = {path.name: path.read_bytes() for path in tiny_base(folder).iterdir()}
        self.put_base()
        self.pipeline = Pipeline(cloud, Settings.model_validate(OVERLAY), BUCKET, listen(cloud, PROJECT))
        self.deployment = Deployment.on(cloud, PROJECT)

    def put_base(self) -> None:
        """Put the weights where training looks for them."""
        for name, content in self.base.items():
            self.cloud.client("s3").put_object(Bucket=BUCKET, Key=f"{BASE}{name}", Body=content)

    def runs(self) -> list[Run]:
        """The runs that have ended, oldest first."""
        return [run for run in self.pipeline.ledger.runs() if run.verdict]

    def drop(self, name: str, seed: int, rows: int = 400, *, flipped: bool = False) -> Run:
        """Drop a file, wait until its run has ended and all is at rest; the run."""
        before = len(self.runs())
        self.pipeline.drop(name, as_csv(reviews(rows, seed, flipped=flipped)))
        return self.next_run(before)

    def next_run(self, before: int) -> Run:
        """The newest run once there are more than `before`, and all is at rest."""
        self.pipeline.until("another run", lambda: len(self.runs()) > before)
        self.pipeline.rest()
        return self.runs()[-1]

    def stop_in(self, state: str) -> None:
        """Abort an execution when it has come to `state`."""
        execution = self.pipeline.until_in(state)
        self.pipeline.client("stepfunctions").stop_execution(executionArn=execution)
        self.pipeline.until("its end", lambda: self.pipeline.describe(execution)["status"] == "ABORTED")

    def ended_as(self, run: Run, verdict: str) -> None:
        """Wait until a run that waited for a person has ended so, and for rest."""

        def look() -> bool:
            known = self.pipeline.ledger.run(run.run)
            return known is not None and known.verdict == verdict

        self.pipeline.until(f"{run.run} ended as {verdict}", look)
        self.pipeline.rest()


def nothing_to_train_on(stage: Stage) -> None:
    """A run is asked for, and there is no file."""
    request_run(stage.deployment, "too early")
    assert stage.next_run(0).verdict == "no-data"


def first_models(stage: Stage) -> None:
    """Drops that go live, the second asked for as well; later chapters bring so many that the first is pruned."""
    assert stage.drop("good-1.csv", 1, rows=300).verdict == "promote"
    write_request(stage.deployment, "asked for beside a drop")
    assert stage.drop("good-2.csv", 2, rows=300).verdict == "promote"


def odd_files(stage: Stage) -> None:
    """A file that cannot be used, and one whose header is told of."""
    pipeline, before = stage.pipeline, len(stage.runs())
    pipeline.drop("broken.jsonl", b'{"nothing": 1}\n' * 40)
    pipeline.drop("header.csv", as_csv(reviews(60, 30)).replace(b"text,label", b" Text ,LABEL"))
    stage.next_run(before)
    pipeline.until("a held file", lambda: pipeline.ledger.held())
    pipeline.delete("broken.jsonl")
    pipeline.rest()


def poison(stage: Stage) -> None:
    """A file that Screen holds; vouched for, the gate rejects what it makes of the model."""
    write_request(stage.deployment, "asked for beside a drop")
    assert stage.drop("poison.csv", 2, rows=600, flipped=True).verdict == "screened"
    before = len(stage.runs())
    release(stage.deployment, "poison.csv", Console(quiet=True))
    assert stage.next_run(before).verdict == "reject"
    stage.pipeline.delete("poison.csv")
    stage.pipeline.rest()


def aborted(stage: Stage) -> None:
    """An execution that is stopped while it trains, and one that is stopped when its model is there to be judged."""
    before, pipeline = len(stage.runs()), stage.pipeline
    pipeline.drop("late.csv", as_csv(reviews(300, 40)))
    os.killpg(pipeline.training_process(), signal.SIGSTOP)
    stage.stop_in("Train")
    stage.stop_in("Evaluate")
    stage.next_run(before)


def rolled_back(stage: Stage) -> None:
    """A model whose server does not start: the one before it is brought back."""
    champion = stage.pipeline.ledger.champion()
    assert champion is not None
    stage.only.write_text(champion.run)
    write_request(stage.deployment, "asked for beside a drop")
    assert stage.drop("unservable.csv", 45, rows=300).verdict == "gave-up"
    stage.only.unlink()


def failed(stage: Stage) -> None:
    """Training that fails until the data is given up."""
    pipeline, before = stage.pipeline, len(stage.runs())
    pipeline.delete_all(BASE)
    write_request(stage.deployment, "asked for beside a drop")
    pipeline.drop("unlucky.csv", as_csv(reviews(300, 50)))
    stage.next_run(before)
    stage.put_base()


def asked_of_a_person(stage: Stage) -> None:
    """With `gate.approval: manual`: one model is approved, another rejected, in the registry."""
    stage.cloud.deploy(MANUAL)
    stage.pipeline.rest()
    write_request(stage.deployment, "asked for beside a drop")
    asked = stage.drop("asked.csv", 60, rows=300)
    approve(stage.deployment, asked.run, Console(quiet=True))
    stage.ended_as(asked, "promote")
    write_request(stage.deployment, "asked for beside a drop")
    refused = stage.drop("asked-again.csv", 61, rows=300)
    sagemaker = stage.pipeline.client("sagemaker")
    sagemaker.update_model_package(ModelPackageArn=refused.package, ModelApprovalStatus="Rejected")
    stage.ended_as(refused, "keep")


def ordered(stage: Stage) -> None:
    """A person lets a model live that the gate rejected, while its archive is kept; then goes back, holding files."""
    before, quiet = len(stage.runs()), Console(quiet=True)
    rejected = next(run for run in stage.runs() if run.judged == "reject")
    promote(stage.deployment, rejected.run, "tried", quiet)
    assert stage.next_run(before).verdict == "promote"
    rollback(stage.deployment, None, "tried", quiet, hold=True)
    assert stage.next_run(before + 1).verdict == "restored"


def torn_down(stage: Stage) -> None:
    """The stack is deleted while a model waits for a person, and another is being trained."""
    write_request(stage.deployment, "asked for beside a drop")
    stage.drop("undecided.csv", 70, rows=300)
    stage.pipeline.drop("last.csv", as_csv(reviews(300, 71)))
    os.killpg(stage.pipeline.training_process(), signal.SIGSTOP)
    stage.cloud.destroy()


CHAPTERS: tuple[Chapter, ...] = (
    nothing_to_train_on,
    first_models,
    odd_files,
    poison,
    aborted,
    rolled_back,
    failed,
    asked_of_a_person,
    ordered,
    torn_down,
)


def policies(cloud: LocalCloud) -> dict[str, list[dict[str, Any]]]:
    """Role → its statements, as deployed."""
    iam, found = cloud.client("iam"), dict[str, list[dict[str, Any]]]()
    for role in (one["RoleName"] for page in iam.get_paginator("list_roles").paginate() for one in page["Roles"]):
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            found.setdefault(role, []).extend(document["Statement"])
    return found


def names(cloud: LocalCloud) -> dict[str, str]:
    """Role → its logical id in the stack's template."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=PROJECT)
    return {
        resource["PhysicalResourceId"]: resource["LogicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::IAM::Role"
    }
