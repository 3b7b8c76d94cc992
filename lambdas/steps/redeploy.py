"""Redeploy: a new Model and EndpointConfig, and a Serverless endpoint created or updated to serve them.

A candidate comes here twice: first for the rehearsal's endpoint, then, verified there, for the live one. Names say what
they are made of, so doing it twice finds the first one's work. With target `champion` the endpoint converges on
whatever is promoted, or on nothing.

What is deployed is what Evaluate's judgement names, by its SHA-256. A run's record, which Prepare writes too, can only
keep a model back. A person's order names a run that was judged: what its model is, the ledger knows.
"""

from __future__ import annotations

from typing import Any

from domain.errors import ApprovedTooLate, NotSealed, NotToBeDeployed, NotToBeOrdered, RejectedMeanwhile
from domain.messages import DeployStep, Redeployed
from domain.state import Champion, Judgement, Run, Seal
from lambdas.environment import Environment
from lambdas.model import archives, hosting, orders
from lambdas.model.approval import require_in_registry, require_noted, require_open


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """The endpoint, and the config that it is to serve and is on its way to.

    Raises Superseded, NotToBeDeployed, NotApproved, ApprovedTooLate, RejectedMeanwhile, NotToBeOrdered, OrderedTooLate,
    NotSealed, NotReleased, EndpointBusy, AccountLimitReached.
    """
    step, env = DeployStep.read(event), Environment.read()
    env.ledger.require_claim(step.execution)
    target = _target(env, step)
    if target is not None:
        archives.check(env, target[1].archive)
    rehearsal = step.stage == "rehearsal"
    endpoint = env.rehearsal if rehearsal else env.endpoint
    if not rehearsal:
        hosting.end_rehearsal(env)
    if target is None:
        hosting.remove_endpoint(env, endpoint)
        return Redeployed(endpoint=endpoint, config=None).to_payload()
    config = hosting.ensure_config(env, *target, rehearsal=rehearsal)
    hosting.converge(env, endpoint, config)
    return Redeployed(endpoint=endpoint, config=config).to_payload()


def _target(env: Environment, step: DeployStep) -> tuple[str, Seal] | None:
    """(run, seal) to serve. A candidate is refused once the champion is not the one it was judged against."""
    champion = env.ledger.champion()
    if step.target == "champion":
        return (champion.run, _sealed(env, champion)) if champion else None
    if step.run is None:
        raise NotToBeDeployed("no run is named that could be deployed")
    order = env.ledger.orders.of(step.run)
    if order:
        # On record before anything can fail: so Release ends it, and a person is told.
        env.ledger.start_run(orders.to_run(env, order, step.execution))
        ordered = orders.target(env, order)
        return ordered.run, ordered.seal
    judgement, run = env.ledger.judgements.of(step.run), env.ledger.run(step.run)
    if run and run.makes_live:
        # A start that came late, or a record that somebody wrote.
        raise NotToBeOrdered(f"there is no open order {run.run}; its run ended as {run.verdict or 'nothing'}")
    if judgement is None or run is None or judgement.verdict != "promote":
        # Not Superseded: this execution has the claim, and must come to give it back.
        raise NotToBeDeployed(f"run {step.run} has not passed the gate")
    require_open(run)
    require_noted(env, judgement)
    if run.awaits_approval and not env.ledger.take_up(run, step.execution):
        raise RejectedMeanwhile(f"run {run.run} was decided about while it was being deployed")
    # From here on Release ends the run if it is refused: else what was noted would start it again and again.
    require_in_registry(env, judgement)
    _require_champion(champion, judgement, run)
    return judgement.run, judgement.seal


def _sealed(env: Environment, champion: Champion) -> Seal:
    seal = env.ledger.judgements.seal(champion)
    if seal is None:
        raise NotSealed(f"run {champion.run} was promoted by an earlier release: Adopt notes which archive it is")
    return seal


def _require_champion(champion: Champion | None, judgement: Judgement, run: Run) -> None:
    """Raise ApprovedTooLate or NotToBeDeployed if the champion is not the one of the judgement, nor the run itself."""
    version = champion.version if champion else 0
    if version == judgement.champion_version:
        return
    if run.awaits_approval:
        raise ApprovedTooLate(
            f"run {run.run} was judged against champion {judgement.champion_version}, and another has been promoted "
            "since"
        )
    if champion and (champion.run, champion.seal) != (judgement.run, judgement.seal):
        raise NotToBeDeployed(
            f"run {run.run} was judged against champion {judgement.champion_version}, now it is {version}"
        )
