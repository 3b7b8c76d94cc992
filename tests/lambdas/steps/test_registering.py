"""Evaluate and a registry that refuses: bookkeeping stops nothing, unless a person is to approve there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from domain import layout
from domain.errors import NotRegistered
from domain.explain import explain_end
from domain.gate.decision import decide
from domain.gate.types import JudgedRow
from domain.settings import GateSettings
from lambdas.model import registry
from tasks import formats
from tests.lambdas.models import Models
from tests.lambdas.project import Project
from tests.lambdas.steps.test_evaluate import judge, prepared


@pytest.fixture
def refusing(project: Project) -> Iterator[list[tuple[str, int]]]:
    """The (error, HTTP status) with which the registry answers while there is one."""
    answers: list[tuple[str, int]] = []

    def refuse(**_: object) -> tuple[AWSResponse, dict[str, Any]] | None:
        if not answers:
            return None
        code, status = answers[0]
        said = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse("", status, {}, None), said

    events = project.env.client("sagemaker").meta.events
    events.register("before-call.sagemaker.CreateModelPackage", refuse, unique_id="refusing")
    yield answers
    events.unregister("before-call.sagemaker.CreateModelPackage", unique_id="refusing")


REFUSALS = ("AccessDeniedException", "ResourceLimitExceeded", "ValidationException", "ConflictException")


@pytest.mark.parametrize("code", REFUSALS)
def test_a_registry_that_refuses_stops_nothing_and_is_told_of(
    project: Project, models: Models, job: str, refusing: list[tuple[str, int]], code: str
) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    refusing.append((code, 400))
    answer, judged = judge(project, run, models.right, job)
    assert answer["verdict"] == "promote"
    assert (judged.package, code in str(judged.unregistered)) == (None, True)
    assert code in explain_end(judged), "whoever hears how the run ended hears of it"
    refusing.clear()
    _, again = judge(project, run, models.right, job)
    assert (again.package is not None, again.unregistered) == (True, None)


@pytest.mark.parametrize("code", REFUSALS)
def test_where_a_person_is_to_approve_it_is_an_error_with_a_name(
    project: Project, models: Models, job: str, refusing: list[tuple[str, int]], code: str
) -> None:
    project.configure(gate={"approval": "manual"})
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    refusing.append((code, 400))
    with pytest.raises(NotRegistered, match=code):
        judge(project, run, models.right, job)
    assert project.env.ledger.run(run.run) == run, "nothing waits for an approval that nobody can give"


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalFailure", 500)])
def test_a_registry_in_trouble_is_the_machines_to_ask_again(
    project: Project, models: Models, job: str, refusing: list[tuple[str, int]], code: str, status: int
) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    refusing.append((code, status))
    with pytest.raises(ClientError, match=code):
        judge(project, run, models.right, job)


def test_the_registrys_group_has_the_projects_tags(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    judge(project, prepared(project), models.right, job)
    sagemaker = project.client("sagemaker")
    group = sagemaker.describe_model_package_group(ModelPackageGroupName=layout.package_group(project.name))
    tags = sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"]
    assert tags == [{"Key": "project", "Value": project.name}]


def test_a_version_says_its_scores_in_the_measures_of_its_kind(project: Project) -> None:
    """Of one that answers numbers, too: each in its unit, and as the registry's pattern for values has it."""
    rows = [JudgedRow(str(n), 1e5 * n, 1e5 * n + 12345.6, None, False) for n in range(60)]
    found = {
        "12346 12346 0.9999": decide(rows, GateSettings(), "seed", "regression"),
        "0.5000 0.3333": decide(
            [JudgedRow(str(n), "ab"[n % 2], "a", None, False) for n in range(60)], GateSettings(), "seed"
        ),
    }
    run = project.run(project.claim())
    judgement = project.judgement(run)
    for number, (scores, decision) in enumerate(found.items()):
        # Else it would be the same version, by the token of its creation.
        one = replace(judgement, champion_version=number)
        package = registry.register(project.env, run, one, decision, registry.REJECTED)
        said = project.client("sagemaker").describe_model_package(ModelPackageName=package)
        properties = said["CustomerMetadataProperties"]
        assert list(properties)[:4] == ["run", "dataset", "sha256", "verdict"]
        assert list(properties)[4:] == list(decision.candidate.values)
        assert " ".join(list(properties.values())[4:]) == scores
        assert all(re.fullmatch(r"[\w\s.:/=+\-@]*", value) for value in properties.values())


def test_the_registry_is_told_what_the_endpoint_speaks() -> None:
    assert registry.MEDIA_TYPES == formats.MEDIA_TYPES
