"""Approve: a person approved or rejected a version in the registry; the run that waits for it goes on or ends.

Answers "SageMaker Model Package State Change" events, which come for every version and more than once.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from domain.facts import Run
from domain.messages import PackageChanged
from lambdas import registry
from lambdas.environment import Environment, timestamp
from lambdas.telemetry import logger


def handler(event: dict[str, Any], _context: object) -> None:
    """Start the run's deployment, or conclude it as kept. Versions that nobody waits for are not ours to answer."""
    package, env = PackageChanged.read(event).detail.package, Environment.read()
    name, status = registry.decision(env, package)
    run = env.ledger.run(name) if name else None
    if run is None or run.package != package or not run.awaits_approval:
        return
    logger().info("A person decided", extra={"run": run.run, "status": status})
    if status == registry.REJECTED:
        env.ledger.conclude(replace(run, verdict="keep", sentence="Kept the champion: a person rejected this model."))
    if status == registry.APPROVED:
        # Before the execution: should that one find the claim taken, whoever has it finds this when it releases.
        env.ledger.approve(run.run, timestamp())
        _start(env, run)


def _start(env: Environment, run: Run) -> None:
    states = env.client("stepfunctions")
    message = json.dumps({"reason": "approved", "from": "Redeploy", "run": run.run})
    try:
        states.start_execution(
            stateMachineArn=env.state_machine_arn, name=f"approved-{run.run}-{run.champion_version}", input=message
        )
    except states.exceptions.ExecutionAlreadyExists:
        logger().info("The same event before", extra={"run": run.run})
