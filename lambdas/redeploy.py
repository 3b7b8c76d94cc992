"""Redeploy: a new Model and EndpointConfig, and a Serverless endpoint created or updated to serve them.

A candidate comes here twice: first for the rehearsal's endpoint, then, verified there, for the live one. Names say what
they are made of, so doing it twice finds the first one's work. With target `champion` the endpoint converges on
whatever is promoted, or on nothing.
"""

from __future__ import annotations

from typing import Any

from domain.facts import AWAITING, Champion, Run
from domain.messages import DeployStep, Redeployed
from lambdas import hosting
from lambdas.environment import Environment


class NotToBeDeployed(Exception):
    """The run did not pass the gate, or it was judged against a champion that another has taken the place of."""


class ApprovedTooLate(Exception):
    """The champion is not the one any more that the approved run was judged against."""


class RejectedMeanwhile(Exception):
    """The run was concluded otherwise while it was on its way: a person rejected what was approved before."""


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """The endpoint, the config that it is to serve, and whether it is on its way to it.

    Raises Superseded, NotToBeDeployed, ApprovedTooLate, RejectedMeanwhile, EndpointBusy, AccountLimitReached.
    """
    step, env = DeployStep.read(event), Environment.read()
    env.ledger.require_claim(step.execution)
    target = _target(env, step)
    rehearsal = step.stage == "rehearsal"
    endpoint = env.rehearsal if rehearsal else env.endpoint
    if not rehearsal:
        hosting.end_rehearsal(env)
    if target is None:
        hosting.remove_endpoint(env, endpoint)
        return Redeployed(endpoint=endpoint, config=None, outcome="removed").to_payload()
    config = hosting.ensure_config(env, *target, rehearsal=rehearsal)
    changed = hosting.converge(env, endpoint, config)
    return Redeployed(endpoint=endpoint, config=config, outcome="updating" if changed else "unchanged").to_payload()


def _target(env: Environment, step: DeployStep) -> tuple[str, str] | None:
    """(run, artifact) to serve. A candidate is refused once the champion is not the one it was judged against."""
    champion = env.ledger.champion()
    if step.target == "champion":
        return (champion.run, champion.artifact) if champion else None
    run = env.ledger.run(step.run)
    if run is None or run.judged != "promote":
        # Not Superseded: this execution has the claim, and must come to give it back.
        raise NotToBeDeployed(f"run {step.run} has not passed the gate")
    require_open(run)
    if run.awaits_approval:
        return _approved(env, step, run, champion)
    if champion and champion.run != run.run and champion.version != run.champion_version:
        raise NotToBeDeployed(
            f"run {step.run} was judged against champion {run.champion_version}, now it is {champion.version}"
        )
    return run.run, run.artifact


def require_open(run: Run) -> None:
    """Raise RejectedMeanwhile if a run that passed the gate must not go live any more."""
    if run.verdict not in ("", AWAITING, "promote"):
        raise RejectedMeanwhile(f"run {run.run} ended as {run.verdict!r} while it was being deployed: {run.sentence}")


def _approved(env: Environment, step: DeployStep, run: Run, champion: Champion | None) -> tuple[str, str]:
    """The run that a person approved, now this execution's. Raises ApprovedTooLate, RejectedMeanwhile."""
    if not env.ledger.adopt(run, step.execution):
        raise RejectedMeanwhile(f"run {run.run} was decided about while it was being deployed")
    if (champion.version if champion else 0) != run.champion_version:
        raise ApprovedTooLate(
            f"run {run.run} was judged against champion {run.champion_version}, and another has been promoted since"
        )
    return run.run, run.artifact
