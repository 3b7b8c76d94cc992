"""Redeploy: a new Model and EndpointConfig, and the Serverless endpoint created or updated to serve them.

Names say what they are made of, so doing it twice finds the first one's work. With target `champion` the endpoint
converges on whatever is promoted, or on nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.ledger import Champion, Run, Superseded
from domain.messages import DeployStep, Redeployed
from lambdas import hosting
from lambdas.environment import Environment


class ApprovedTooLate(Exception):
    """The champion is not the one any more that the approved run was judged against."""


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """The config that is to be live, and whether the endpoint is on its way to it.

    Raises Superseded, ApprovedTooLate, EndpointBusy.
    """
    step, env = DeployStep.model_validate(event), Environment.read()
    env.ledger.require_claim(step.execution)
    target = _target(env, step)
    if target is None:
        hosting.remove_endpoint(env)
        return Redeployed(config=None, outcome="removed").to_payload()
    run, artifact = target
    hosting.prune(env, keep={run, *_recent(env)})
    config = hosting.ensure_config(env, run, artifact)
    changed = hosting.converge(env, config)
    return Redeployed(config=config, outcome="updating" if changed else "unchanged").to_payload()


def _target(env: Environment, step: DeployStep) -> tuple[str, str] | None:
    """(run, artifact) to serve. A candidate is refused once the champion is not the one it was judged against."""
    champion = env.ledger.champion()
    if step.target == "champion":
        return (champion.run, champion.artifact) if champion else None
    run = env.ledger.run(step.run)
    if run is None or run.judged != "promote":
        raise Superseded(f"run {step.run} has not passed the gate")
    if run.awaits_approval:
        return _approved(env, step, run, champion)
    if champion and champion.run != run.run and champion.version != run.champion_version:
        raise Superseded(
            f"run {step.run} was judged against champion {run.champion_version}, now it is {champion.version}"
        )
    return run.run, run.artifact


def _approved(env: Environment, step: DeployStep, run: Run, champion: Champion | None) -> tuple[str, str]:
    """The run that a person approved, now this execution's. Raises ApprovedTooLate."""
    env.ledger.save_run(replace(run, execution=step.execution))
    if (champion.version if champion else 0) != run.champion_version:
        raise ApprovedTooLate(
            f"run {run.run} was judged against champion {run.champion_version}, and another has been promoted since"
        )
    return run.run, run.artifact


def _recent(env: Environment) -> list[str]:
    """The champion and the two before it: their configs stay, so that going back needs no new ones."""
    champion = env.ledger.champion()
    promoted = [run.run for run in env.ledger.runs() if run.verdict == "promote"]
    return promoted[-2:] + ([champion.run] if champion else [])
