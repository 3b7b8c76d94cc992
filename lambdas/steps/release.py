"""Release: tidy up, give the claim back, THEN look again, and start one execution if anything is pending."""

from __future__ import annotations

from typing import Any

from domain.explain import of_the_account, reason
from domain.messages import Released, ReleaseStep, Start
from lambdas import executions
from lambdas.dataset.pending import pending
from lambdas.environment import Environment
from lambdas.failed_runs import give_up, postpone
from lambdas.model import hosting
from lambdas.model.pruning import prune

# Why an execution was started, where it was not by another one.
_FROM_OUTSIDE = ("sweep", "drop")


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Conclude or postpone a run that was rolled back, tidy up, free the claim, and start what is due."""
    step, env = ReleaseStep.read(event), Environment.read()
    run = env.ledger.run(step.run) if step.failed and step.run else None
    if step.failed and run and run.execution == step.execution:
        conclude = postpone if of_the_account(step.failed.error) else give_up
        conclude(env, run, f"{step.failed.error}: {reason(step.failed.cause)}")
    if env.ledger.claimed_by() == step.execution:
        prune(env, step.run)
    env.ledger.release(step.execution)
    # Whoever was postponed itself has just seen that it is too early for the others.
    again = step.reason in _FROM_OUTSIDE and not step.failed
    due = pending(env, again=again) or _drift(env)
    return Released(started=executions.start_after(env, step.execution, due) if due else None).to_payload()


def _drift(env: Environment) -> Start | None:
    """The message of the execution that brings the champion back, if it is not what is live as it should be; or None.

    An aborted execution's function goes on with what it has begun, even when all has been made good meanwhile. And a
    deploy that changes how models are served does not wait for a run that takes hours: it leaves that to its Release.
    """
    champion, endpoint = env.ledger.champion(), hosting.describe_endpoint(env, env.endpoint)
    stays = endpoint is not None and endpoint["EndpointStatus"] != "Deleting"
    live = endpoint["EndpointConfigName"] if endpoint and stays else None
    if champion is None:
        right = live is None
    else:
        seal = env.ledger.judgements.seal(champion)
        # Whatever serves what an earlier release left unsealed, it is not served as it should be.
        right = seal is not None and live == hosting.config_name(env, champion.run, seal)
    return None if right else Start.redeploy("what is live is not what it should be")
