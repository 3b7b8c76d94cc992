"""One local cloud for all handler tests; a new project on it for each test."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import boto3
import pytest

from lambdas import environment
from local.cloud import LocalCloud
from tests.lambdas.confined import confine
from tests.lambdas.models import Models
from tests.lambdas.project import Clients, Project, train, trained

CONTAINER = Path(__file__).with_name("training_container.py")
LIMITS = {
    "LOCAL_SAGEMAKER_TRAIN": shlex.join([sys.executable, str(CONTAINER)]),
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


@pytest.fixture
def project(aws: Clients, role: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    project = Project.create(aws, monkeypatch, role)
    yield project
    states = aws("stepfunctions")
    for execution in states.list_executions(stateMachineArn=project.machine, statusFilter="RUNNING")["executions"]:
        with suppress(states.exceptions.ValidationException):  # it has ended meanwhile
            states.stop_execution(executionArn=execution["executionArn"])
