"""Approve: a person approved or rejected a version in the registry; the run that waits for it goes on or ends.

Answers "SageMaker Model Package State Change" events, which come for every version and more than once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from domain import layout
from domain.messages import PackageChanged, Start
from domain.state import Approval, Judgement
from lambdas import executions
from lambdas.environment import Environment, timestamp
from lambdas.model import archives, registry
from lambdas.telemetry import logger

_UNSEALED: Final = (
    "Kept the champion: an earlier release judged this model, and did not note which bytes it judged. `mlops retrain` "
    "judges its data again."
)


def handler(event: dict[str, Any], _context: object) -> None:
    """Start the run's deployment, or conclude it as kept. Versions that nobody waits for are not ours to answer."""
    package, env = PackageChanged.read(event).detail.package, Environment.read()
    version = registry.version(env, package)
    run = env.ledger.run(version.run) if version and version.run else None
    if version is None or run is None or run.package != package or not run.awaits_approval:
        return
    judgement = env.ledger.judgements.of(run.run)
    logger().info("A person decided", extra={"run": run.run, "status": version.status})
    if version.status == registry.REJECTED:
        env.ledger.conclude(replace(run, verdict="keep", sentence="Kept the champion: a person rejected this model."))
    elif judgement is None:
        env.ledger.conclude(replace(run, verdict="keep", sentence=_UNSEALED))
    elif version.status == registry.APPROVED and _is_of(env, version, package, judgement):
        # Before the execution: should that one find the claim taken, whoever has it finds this when it releases.
        env.ledger.judgements.approve(Approval(run.run, package, judgement.seal.archive), timestamp())
        name = layout.execution_for_approval(judgement.run, judgement.champion_version)
        executions.start(env, name, Start.redeploy("approved", judgement.run))


def _is_of(env: Environment, version: registry.Version, package: str, judgement: Judgement) -> bool:
    """Whether a version is the one of a judgement, and of the archive that was judged."""
    return (package, version.artifact) == (judgement.package, archives.uri(env, judgement.seal.archive))
