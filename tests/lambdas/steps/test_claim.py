"""Claim and the ledger's claim: one owner at a time, taken over only from the dead."""

from __future__ import annotations

import pytest

from domain.errors import Superseded, WrongEvent
from domain.state import TEARDOWN, Claim
from lambdas.steps import claim, prepare, redeploy, reject
from tests.lambdas.project import Project, until


def ask(execution: str) -> object:
    return claim.handler({"execution": execution, "started": {"reason": "test", "from": "Settle"}}, None)["outcome"]


def test_a_free_claim_is_taken_and_a_retry_finds_it_taken_by_itself(project: Project) -> None:
    execution = project.start()
    assert [ask(execution), ask(execution)] == ["claimed", "claimed"]
    assert project.env.ledger.claimed_by() == execution


@pytest.mark.parametrize("started", [{"from": "Promote"}, {"run": "0123456789ab"}, {"artifact": "s3://b/k"}, [], None])
def test_what_means_nothing_is_refused_before_the_claim_is_taken(project: Project, started: object) -> None:
    with pytest.raises(WrongEvent, match="this is no ClaimStep: started"):
        claim.handler({"execution": project.start(), "started": started}, None)
    assert project.env.ledger.claimed_by() is None


def test_what_it_was_started_with_is_answered_with_every_word_in_its_place(project: Project) -> None:
    answer = claim.handler({"execution": project.start(), "started": {}}, None)
    assert answer == {"outcome": "claimed", "reason": "unknown", "start": "Settle", "run": None}


def test_while_its_owner_runs_nobody_else_gets_it(project: Project) -> None:
    owner, other = project.claim(), project.start()
    assert ask(other) == "coalesced"
    assert project.env.ledger.claimed_by() == owner


@pytest.mark.parametrize("end", ["end", "fail"])
def test_from_an_owner_that_ended_it_is_taken_over_and_the_endpoint_converged_first(project: Project, end: str) -> None:
    dead, successor = project.start(end, error="E", cause="c"), project.start()
    project.env.ledger.claim(dead, "then")
    assert ask(successor) == "recover"
    assert project.env.ledger.claimed_by() == successor
    assert ask(successor) == "recover", "a retry, too, since nobody has looked at the endpoint yet"


def test_from_an_aborted_owner_it_is_taken_over(project: Project) -> None:
    dead, successor = project.claim(), project.start()
    project.client("stepfunctions").stop_execution(executionArn=dead)
    until(lambda: project.status(dead) == "ABORTED")
    assert ask(successor) == "recover"


def test_from_an_owner_that_was_never_started_it_is_taken_over(project: Project) -> None:
    named = project.machine.replace(":stateMachine:", ":execution:") + ":reconcile-0123"
    project.env.ledger.claim(named, "then")
    successor = project.start()
    assert ask(successor) == "recover"


def test_two_heirs_cannot_both_take_over(project: Project) -> None:
    ledger, dead = project.env.ledger, project.start("end")
    ledger.claim(dead, "then")
    assert [ledger.hand_over(dead, "first", "now"), ledger.hand_over(dead, "second", "now")] == [True, False]
    assert ledger.claimed_by() == "first"
    assert ledger.hand_over(dead, "first", "later"), "its own earlier write is a success"


def test_an_heir_that_started_meanwhile_keeps_the_claim(project: Project) -> None:
    ledger, dead, other = project.env.ledger, project.start("end"), project.start()
    ledger.claim(dead, "then")
    successor = project.start()
    ledger.hand_over(dead, successor, "now")
    seen = ledger.claim(other, "now")
    assert seen == Claim(successor, reserved=True, recover=True)
    assert ask(successor) == "recover"
    assert not ledger.take_over(seen, other, "now"), "what it saw has changed"
    assert ledger.claimed_by() == successor


def test_a_teardown_is_never_taken_over(project: Project) -> None:
    project.env.ledger.seize(TEARDOWN, "now")
    assert ask(project.start()) == "coalesced"
    assert project.env.ledger.claimed_by() == TEARDOWN


def test_release_gives_back_only_ones_own(project: Project) -> None:
    ledger = project.env.ledger
    ledger.claim("mine", "now")
    ledger.release("yours")
    assert ledger.claimed_by() == "mine"
    ledger.release("mine")
    ledger.release("mine")
    assert ledger.claimed_by() is None


def test_who_lost_the_claim_is_superseded(project: Project) -> None:
    ledger = project.env.ledger
    with pytest.raises(Superseded, match="held by nobody"):
        ledger.require_claim("me")
    ledger.claim("other", "now")
    with pytest.raises(Superseded, match="held by other"):
        ledger.require_claim("me")
    ledger.claim("other", "now")
    ledger.require_claim("other")


# The local cloud has no RedriveExecution. A redriven execution goes on where it failed, under the ARN that it had: so
# what decides is whether the ledger still has that ARN.


def test_a_redriven_execution_that_still_has_the_claim_goes_on(project: Project) -> None:
    execution = project.claim()
    project.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: project.status(execution) == "ABORTED")
    project.env.ledger.require_claim(execution)
    assert project.env.ledger.claim(execution, "again") == Claim(execution)


@pytest.mark.parametrize("then", ["taken over", "free"])
def test_a_redriven_execution_that_lost_the_claim_touches_nothing(project: Project, then: str) -> None:
    execution = project.claim()
    project.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: project.status(execution) == "ABORTED")
    if then == "taken over":
        assert ask(project.start()) == "recover"
    else:
        project.env.ledger.release(execution)
    for step, message in ((prepare, {}), (redeploy, {"target": "candidate", "run": "r"}), (reject, {"run": "r"})):
        with pytest.raises(Superseded):
            step.handler({"execution": execution, **message}, None)
    assert project.env.ledger.runs() == []
