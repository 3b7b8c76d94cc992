"""One local cloud for all handler tests; a new project on it for each test."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import boto3
import pytest

from domain import layout
from domain.golden_rows import choose
from domain.state import Run
from lambdas import environment
from lambdas.model import archives
from local.cloud import LocalCloud
from serving.artifact import extract
from tests.lambdas.confined import confine
from tests.lambdas.models import TEXTS, Models
from tests.lambdas.project import Clients, Judge, Project, train, trained
from tests.text_model import load
from tests.tiny_model import made_for

CONTAINER = Path(__file__).with_name("training_container.py")
LIMITS = {
    "LOCAL_SAGEMAKER_TRAIN": shlex.join([sys.executable, str(CONTAINER)]),
    # All projects of these tests share the account.
    "LOCAL_SAGEMAKER_SERVERLESS_CONCURRENCY": "1000",
    "LOCAL_SAGEMAKER_STOP_SECONDS": "0.2",
    "LOCAL_SAGEMAKER_SYNC_SECONDS": "0.2",
}


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """boto3 clients of the cloud by service. The handlers find it as any AWS tool does: by the environment."""
    with LocalCloud(auth=False, settings=LIMITS).start(tmp_path_factory.mktemp("cloud")) as cloud:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in cloud.environment().items():
                patch.setenv(name, value)
            patch.setenv("POWERTOOLS_SERVICE_NAME", "test")
            patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "AutomateMlops/test")
            _forget_clients()
            yield cache(boto3.session.Session().client)
        _forget_clients()


def _forget_clients() -> None:
    for maker in (environment._session, environment._table, environment._client):
        maker.cache_clear()


@pytest.fixture(scope="session")
def role(aws: Clients) -> str:
    services = {"Service": ["sagemaker.amazonaws.com", "states.amazonaws.com"]}
    trust = {"Statement": [{"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}]}
    made = aws("iam").create_role(RoleName="everything", AssumeRolePolicyDocument=json.dumps(trust))
    return str(made["Role"]["Arn"])


@pytest.fixture(scope="session")
def job(aws: Clients, role: str) -> str:
    """A training job that is completed."""
    aws("s3").create_bucket(Bucket="jobs")
    train(aws, role, "jobs", "finished", seconds=0)
    trained(aws, "finished", "Completed")
    return "finished"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="package", autouse=True)
def confined() -> Iterator[None]:
    """Handlers have what their package holds and Lambda has, and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        confine(patch)
        yield


@pytest.fixture(scope="package", autouse=True)
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Handlers have a /tmp of their own, as each function has; other workers of the test run have another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("disk")))
        yield


@pytest.fixture
def project(aws: Clients, role: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    project = Project.create(aws, monkeypatch, role)
    yield project
    states = aws("stepfunctions")
    for execution in states.list_executions(stateMachineArn=project.machine, statusFilter="RUNNING")["executions"]:
        with suppress(states.exceptions.ValidationException):  # it has ended meanwhile
            states.stop_execution(executionArn=execution["executionArn"])


@pytest.fixture
def judged(project: Project, tmp_path: Path) -> Judge:
    """Makes a run that has passed the gate, with its archive, judgement and golden rows, as Evaluate leaves it.

    The golden rows are its own answers, or those of the archive `golden`.
    """

    def make(run: str, artifact: Path, execution: str, against: int = 0, golden: Path | None = None) -> Run:
        made = made_for(artifact, tmp_path / f"{run}-made", run, run)
        seal = project.seal(made)
        predictor = load(extract(golden or made, tmp_path / run))
        answers = [found[0] for found in predictor.predict(TEXTS[:30])]
        asked = choose((text, item.label, item.label, item.score) for text, item in zip(TEXTS, answers, strict=False))
        body = json.dumps(asked)
        project.client("s3").put_object(Bucket=project.bucket, Key=layout.run_file(run, "golden.json"), Body=body)
        uri = archives.uri(project.env, seal.archive)
        record = project.run(
            execution, run=run, dataset=run, artifact=uri, judged="promote", champion_version=against, started=run
        )
        project.judgement(record, seal)
        return record

    return make
