"""What the doctor looks at in these tests: a local cloud, and a stand-in for the quotas that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import boto3
import pytest

from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.doctor.finding import Finding
from ops.doctor.surroundings import Surroundings
from tasks.settings import of
from tests.ops import quotas_stand_in
from tests.ops.quotas_stand_in import Quotas

TEXT = of("text")
SETTINGS = TEXT(serving={"max_concurrency": 4})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def quota_server() -> Iterator[Quotas]:
    with quotas_stand_in.running(Quotas()) as server:
        yield server


@pytest.fixture
def account_quotas(quota_server: Quotas) -> Quotas:
    """The stand-in with enough of everything."""
    quota_server.applied, quota_server.defaults, quota_server.refuses = dict(quotas_stand_in.PLENTY), {}, ""
    return quota_server


@pytest.fixture
def about(cloud: LocalCloud, account_quotas: Quotas, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", account_quotas.url)
    return Surroundings(SETTINGS, ACCOUNT, REGION, boto3.session.Session())


def levels(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.name: str(finding.level) for finding in findings}


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding
