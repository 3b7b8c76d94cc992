"""The endpoint's custom resource: a deploy converges it, a teardown leaves nothing of it.

CloudFormation does not own the endpoint: it would set it back to the template's model at every later change. It owns
this resource instead, whose properties change with the serving settings.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain import layout
from domain.errors import ConvergenceFailed, EndpointBusy
from domain.messages import ConvergenceRequest, DeployRequest, Start
from domain.state import TEARDOWN
from lambdas import executions
from lambdas.environment import Environment, NotYetAllowed, now, timestamp
from lambdas.model import hosting, registry
from lambdas.model.jobs import stop_jobs
from lambdas.telemetry import logger

# Executions that found the claim taken after all, or lost it. Each asking looks through all of them.
_ATTEMPTS = 100
# By then any Release that was invoked with the settings of before has ended.
_PATIENCE = timedelta(minutes=10)
# IAM tells its services of a new role within a minute or two; a permission that is missing after this stays so.
_PROPAGATION = timedelta(minutes=5)
_UNDECIDED = "Kept the champion: the stack was deleted before a person had decided about this model."


def on_event(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Note when the request came. All else is `is_complete`'s: what fails here fails the deploy, and a role that was
    made a moment ago may not be allowed anything yet.
    """
    request, env = DeployRequest.read(event), Environment.read()
    logger().info("Asked", extra={"request": request.kind})
    return {"PhysicalResourceId": f"{env.project}-endpoint", "Data": {"Asked": timestamp()}}


def is_complete(event: dict[str, Any], _context: object) -> dict[str, bool]:
    """Asked again and again until what was asked for is done. Raises ConvergenceFailed, NotYetAllowed."""
    request, env = ConvergenceRequest.read(event), Environment.read()
    try:
        if request.kind == "Delete":
            # Before any run: none may start while the stack is being taken down.
            env.ledger.seize(TEARDOWN, timestamp())
            return {"IsComplete": _torn_down(env)}
        env.ledger.release(TEARDOWN)
        return {"IsComplete": _converged(env, request.request, request.asked.at)}
    except NotYetAllowed as denied:
        if now() - request.asked.at > _PROPAGATION:
            raise
        logger().info("Not allowed yet", extra={"reason": str(denied)})
        return {"IsComplete": False}


def _converged(env: Environment, request: str, asked: datetime) -> bool:
    """One execution from Redeploy does the work; it is started when no other run holds the claim, anew if need be.

    A run that trains may hold it for hours, and CloudFormation waits for one. Such a run's Release does the work then.
    """
    states = env.client("stepfunctions")
    for attempt in range(_ATTEMPTS):
        name = layout.execution_for_deploy(request, attempt)
        try:
            described = states.describe_execution(executionArn=executions.arn(env, name))
        except states.exceptions.ExecutionDoesNotExist:
            holder = env.ledger.claimed_by()
            if holder and executions.is_running(env, holder):
                return now() - asked > _PATIENCE
            executions.start(env, name, Start.redeploy("deploy"))
            return False
        if described["status"] == "RUNNING":
            return False
        if described["status"] != "SUCCEEDED":
            raise ConvergenceFailed(f"{described.get('error', described['status'])}: {described.get('cause', '')}")
        outcome = json.loads(described["output"]).get("outcome")
        if outcome not in ("coalesced", "superseded"):
            return True
    raise ConvergenceFailed("another run held the claim throughout")


def _torn_down(env: Environment) -> bool:
    """Stop what runs, then remove endpoint, configs, models and registry; True when nothing of them is left.

    Whoever was to approve a model has nothing to approve any more; `mlops retrain` judges its data again.
    """
    states = env.client("stepfunctions")
    running = states.list_executions(stateMachineArn=env.state_machine_arn, statusFilter="RUNNING")["executions"]
    for execution in running:
        with suppress(states.exceptions.ExecutionDoesNotExist, states.exceptions.ValidationException):  # it has ended
            arn = execution["executionArn"]
            states.stop_execution(executionArn=arn, error="Teardown", cause="The stack is deleted.")
    if running or stop_jobs(env, None):
        return False
    try:
        removed = [hosting.remove_endpoint(env, name) for name in (env.rehearsal, env.endpoint)]
        if any(removed):
            return False
    except EndpointBusy as error:
        logger().info("Waiting for the endpoint", extra={"reason": str(error)})
        return False
    hosting.prune(env, keep=set())
    for run in env.ledger.runs():
        if run.awaits_approval:
            env.ledger.conclude(replace(run, verdict="keep", sentence=_UNDECIDED))
    return not registry.remove(env)
