"""Redeploy where the account's quota or IAM says "not now", and the tags of what it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from domain.errors import AccountLimitReached
from lambdas.environment import NotYetAllowed
from lambdas.model import hosting
from tests.lambdas.models import Models
from tests.lambdas.project import Judge, Project
from tests.lambdas.steps.test_redeploy import ONE, TWO, deploy, promoted


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_the_accounts_limit_is_an_error_of_its_own(
    project: Project, models: Models, judged: Judge, operation: str
) -> None:
    run = judged(ONE, models.right, project.claim())
    with (
        answering(project, operation, "ResourceLimitExceeded", "limit of 10"),
        pytest.raises(AccountLimitReached, match="limit of 10"),
    ):
        deploy(run.execution, "candidate", ONE)
    assert hosting.describe_endpoint(project.env, project.name) is None
    deploy(run.execution, "candidate", ONE)
    assert hosting.describe_endpoint(project.env, project.name) is not None, "it is on its way"


def test_the_accounts_limit_at_an_update_leaves_the_live_model(project: Project, models: Models, judged: Judge) -> None:
    run = promoted(project, models, judged)
    live = project.endpoint("InService")["EndpointConfigName"]
    judged(TWO, models.constant, run.execution, against=1)
    with (
        answering(project, "UpdateEndpoint", "ResourceLimitExceeded", "limit of 10"),
        pytest.raises(AccountLimitReached),
    ):
        deploy(run.execution, "candidate", TWO)
    assert project.endpoint("InService")["EndpointConfigName"] == live


def test_a_role_that_cannot_be_assumed_yet_is_asked_for_again(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    said = "Could not assume role arn:aws:iam::0:role/x. Please ensure that the role exists"
    with (
        answering(project, "CreateModel", "ValidationException", said),
        pytest.raises(NotYetAllowed, match="Could not assume role"),
    ):
        deploy(run.execution, "candidate", ONE)


def test_what_is_denied_has_a_name_of_its_own(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    with (
        answering(project, "DescribeModel", "AccessDeniedException", "not authorized"),
        pytest.raises(NotYetAllowed, match="not authorized"),
    ):
        deploy(run.execution, "candidate", ONE)


def test_all_that_is_made_for_a_deployment_has_the_projects_tags(
    project: Project, models: Models, judged: Judge
) -> None:
    run = judged(ONE, models.right, project.claim())
    deploy(run.execution, "candidate", ONE, "rehearsal")
    deploy(run.execution, "candidate", ONE)
    sagemaker = project.client("sagemaker")
    config = project.endpoint("InService")["EndpointConfigName"]
    described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    model = sagemaker.describe_model(ModelName=described["ProductionVariants"][0]["ModelName"])
    arns = [project.endpoint("InService")["EndpointArn"], described["EndpointConfigArn"], model["ModelArn"]]
    for arn in arns:
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "project", "Value": project.name}], arn


@contextmanager
def answering(project: Project, operation: str, code: str, message: str) -> Iterator[None]:
    """SageMaker answers an operation with an error."""

    def refuse(**_: object) -> tuple[AWSResponse, dict[str, Any]]:
        said = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return AWSResponse("", 400, {}, None), said

    events = project.env.client("sagemaker").meta.events
    events.register(f"before-call.sagemaker.{operation}", refuse, unique_id="answering")
    yield
    events.unregister(f"before-call.sagemaker.{operation}", unique_id="answering")
