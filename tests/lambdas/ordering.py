"""A person's order, the steps that carry it out, and what they leave, for the tests of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.state import Champion, Judgement, Order, OrderKind, Run
from lambdas.model import hosting
from lambdas.steps import promote, redeploy, release
from tests.lambdas.project import Project, until

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
ORDER = "0000000000aa"
ANN = "arn:aws:iam::000000000000:user/ann"


def order(project: Project, model: str, beside: int, kind: OrderKind = "rollback", **fields: Any) -> Order:
    """An open order, as the command leaves it."""
    given = Order(ORDER, kind, model, beside, ANN, "answers are wrong", "2026-01-01T00:00:00+00:00")
    given = replace(given, **fields)
    project.env.ledger.orders.give(given)
    return given


def deploy(execution: str, stage: str = "live", run: str = ORDER) -> dict[str, Any]:
    return redeploy.handler({"execution": execution, "target": "candidate", "stage": stage, "run": run}, None)


def crown(execution: str, run: str = ORDER) -> None:
    promote.handler({"execution": execution, "run": run}, None)


def let_go(execution: str, error: str | None = None, run: str | None = ORDER) -> object:
    failed = {"error": error, "cause": "why"} if error else None
    return release.handler({"execution": execution, "run": run, "failed": failed}, None)["started"]


def champion(project: Project) -> Champion:
    found = project.env.ledger.champion()
    assert found is not None
    return found


def judgement_of(project: Project, run: str) -> Judgement:
    found = project.env.ledger.judgements.of(run)
    assert found is not None
    return found


def await_config(project: Project, config: str) -> None:
    """Until the live endpoint serves it."""
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == config)


def is_rehearsed(project: Project) -> bool:
    """Whether the rehearsal's endpoint is up."""
    found = hosting.describe_endpoint(project.env, project.env.rehearsal)
    return found is not None and found["EndpointStatus"] == "InService"


def run_of(project: Project) -> Run:
    return project.env.ledger.require_run(ORDER)
