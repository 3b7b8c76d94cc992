"""The custom resource: a deploy converges the endpoint through the machine, a teardown leaves nothing of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from domain import layout
from domain.errors import ConvergenceFailed
from domain.state import TEARDOWN, Approval
from lambdas.environment import NotYetAllowed
from lambdas.events import deploy
from lambdas.model import hosting
from lambdas.steps import claim
from tests.lambdas.models import Models
from tests.lambdas.project import MACHINE, Project, until


def event(kind: str, request: str = "request-1") -> dict[str, Any]:
    return {"RequestType": kind, "RequestId": request, "ResourceProperties": {}}


def complete(kind: str, request: str = "request-1", *, minutes_ago: int = 0) -> bool:
    """What CDK's framework asks: the event, with what `on_event` answered to it so many minutes ago."""
    asked = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    message = event(kind, request) | {"Data": {"Asked": asked.isoformat()}}
    return deploy.is_complete(message, None)["IsComplete"]


def deploys(project: Project) -> dict[str, dict[str, Any]]:
    return {name: message for name, message in project.executions().items() if name.startswith("deploy-")}


def outcomes(project: Project, **by_number: str) -> None:
    """Let the machine's executions end with these outcomes, by the number at the end of their names."""
    machine: dict[str, Any] = copy.deepcopy(MACHINE)
    numbered = json.dumps({f"_{key}": value for key, value in by_number.items()})
    name = "'_' & $split($states.context.Execution.Name, '-')[-1]"
    machine["States"]["End"]["Output"] = {"outcome": f"{{% $lookup({numbered}, {name}) %}}"}
    project.client("stepfunctions").update_state_machine(
        stateMachineArn=project.machine, definition=json.dumps(machine)
    )


def denied(project: Project, calls: int) -> list[str]:
    """Have AWS deny so many calls from now on, as a service does that IAM has not told of a role; those it denied."""
    made: list[str] = []

    def deny(model: Any, **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:
        if len(made) == calls:
            return None
        made.append(model.name)
        error = {"Code": "AccessDeniedException", "Message": f"not authorized to perform: {model.name}"}
        return AWSResponse("", 400, {}, None), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}

    ledger = project.env.ledger._table.meta.client
    for client in (ledger, project.env.client("stepfunctions"), project.env.client("sagemaker")):
        client.meta.events.register("before-call", deny, unique_id="denied")
    return made


@pytest.fixture(autouse=True)
def allowed(project: Project) -> Iterator[None]:
    yield
    ledger = project.env.ledger._table.meta.client
    for client in (ledger, project.env.client("stepfunctions"), project.env.client("sagemaker")):
        client.meta.events.unregister("before-call", unique_id="denied")


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_what_is_denied_to_a_new_role_is_asked_again(project: Project, kind: str) -> None:
    made = denied(project, calls=8)
    answer = deploy.on_event(event(kind), None)
    assert answer["PhysicalResourceId"] == f"{project.name}-endpoint"
    assert made == [], "what fails there fails the deploy, so it asks for nothing"
    assert [complete(kind) for _ in range(8)] == [False] * 8
    assert len(made) == 8
    until(lambda: complete(kind))


def test_what_is_denied_for_minutes_fails_the_deploy_by_name(project: Project) -> None:
    denied(project, calls=1)
    with pytest.raises(NotYetAllowed, match="not authorized to perform"):
        complete("Create", minutes_ago=6)


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_deploy_frees_the_claim_of_a_teardown_and_only_that(project: Project, kind: str) -> None:
    project.env.ledger.seize(TEARDOWN, "then")
    until(lambda: complete(kind))
    assert project.env.ledger.claimed_by() is None
    owner = project.claim()
    assert not complete(kind, "request-2")
    assert project.env.ledger.claimed_by() == owner


def test_one_execution_from_redeploy_does_the_work(project: Project) -> None:
    assert not complete("Create")
    until(lambda: complete("Create"))
    assert list(deploys(project).values()) == [{"reason": "deploy", "from": "Redeploy"}]
    assert complete("Create"), "asked once more, nothing more is started"
    assert len(deploys(project)) == 1


def test_each_deploy_has_its_own_execution(project: Project) -> None:
    for request in ("one", "two"):
        until(lambda request=request: complete("Update", request))  # type: ignore[misc]
    assert len(deploys(project)) == 2


def test_a_coalesced_or_superseded_execution_is_followed_by_another(project: Project) -> None:
    outcomes(project, **{"0": "coalesced", "1": "superseded", "2": "done"})
    until(lambda: complete("Update"))
    assert sorted(name[-2:] for name in deploys(project)) == ["-0", "-1", "-2"]


def test_while_another_run_has_the_claim_none_is_started(project: Project) -> None:
    owner = project.claim()
    assert [complete("Update") for _ in range(3)] == [False] * 3
    assert deploys(project) == {}
    project.env.ledger.release(owner)
    until(lambda: complete("Update"))


def test_a_deploy_does_not_wait_for_a_run_that_takes_hours(project: Project) -> None:
    project.claim()
    assert not complete("Update", minutes_ago=9)
    assert complete("Update", minutes_ago=11)
    assert deploys(project) == {}, "what it asks for is left to the run's Release"


def test_a_dead_owner_does_not_keep_a_deploy_waiting(project: Project) -> None:
    project.env.ledger.claim(project.start("fail", error="E", cause="c"), "then")
    until(lambda: complete("Update"))


def test_a_convergence_that_fails_fails_the_deploy_with_its_reason(project: Project) -> None:
    machine: dict[str, Any] = copy.deepcopy(MACHINE)
    machine["States"]["End"] = {"Type": "Fail", "Error": "ConvergenceFailed", "Cause": "VerifyFailed: no answer"}
    project.client("stepfunctions").update_state_machine(
        stateMachineArn=project.machine, definition=json.dumps(machine)
    )
    assert not complete("Update")
    with pytest.raises(ConvergenceFailed, match="ConvergenceFailed: VerifyFailed: no answer"):
        until(lambda: complete("Update"))


def test_a_teardown_leaves_no_execution_job_endpoint_config_or_model(project: Project, models: Models) -> None:
    execution, env = project.claim(), project.env
    config = hosting.ensure_config(env, "0123456789ab", project.seal(models.right))
    hosting.converge(env, env.endpoint, config)
    job = layout.training_job(project.name, "0123456789ab", 1)
    project.train(job, seconds=300)
    assert not complete("Delete")
    assert env.ledger.claimed_by() == TEARDOWN
    until(lambda: complete("Delete"))
    assert project.status(execution) == "ABORTED"
    project.trained(job, "Stopped")
    assert hosting.describe_endpoint(env, env.endpoint) is None
    sagemaker = project.client("sagemaker")
    assert sagemaker.list_endpoint_configs(NameContains=f"{project.name}-")["EndpointConfigs"] == []
    assert sagemaker.list_models(NameContains=f"{project.name}-")["Models"] == []
    assert complete("Delete"), "and again"


def test_a_teardown_ends_the_wait_for_a_person(project: Project) -> None:
    run = project.run(project.start("end"), judged="promote", verdict="awaiting-approval")
    project.env.ledger.judgements.approve(Approval(run.run, "arn", "a" * 64), "now")
    until(lambda: complete("Delete"))
    ended = project.env.ledger.run(run.run)
    assert ended is not None
    assert (ended.verdict, str(ended.sentence)[:51]) == ("keep", "Kept the champion: the stack was deleted before a p")
    assert project.env.ledger.judgements.approved() == []


def test_after_a_teardown_nothing_starts_before_the_next_deploy(project: Project) -> None:
    until(lambda: complete("Delete"))
    late = project.start()
    assert claim.handler({"execution": late, "started": {"reason": "drop"}}, None)["outcome"] == "coalesced"
    until(lambda: complete("Create"))
    assert claim.handler({"execution": late, "started": {"reason": "drop"}}, None)["outcome"] == "claimed"
