"""Claim, Release and Reconcile keep their promises in every interleaving, and the explorer sees it when they do not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Literal

import pytest

from domain.messages import Claimed, ClaimStep, Released, ReleaseStep
from domain.state import Claim
from lambdas import executions
from lambdas.dataset.pending import pending
from lambdas.environment import Environment, timestamp
from tests.explorer.champions import BACK, PAST_THE_GATE
from tests.explorer.explorer import Explorer
from tests.explorer.functions import Handler
from tests.explorer.promises import Violation
from tests.explorer.steps import Story
from tests.explorer.stories import FILES, HANDLERS, SHORT, VARIABLES
from tests.stacks.synth import synthesize

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def definition(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return synthesize(tmp_path_factory.mktemp("aws") / "out").definition()


def explorer(definition: dict[str, Any], **handlers: Handler) -> Explorer:
    return Explorer(definition, VARIABLES, {**HANDLERS, **handlers})


@pytest.mark.parametrize("name", SHORT)
def test_all_promises_hold(definition: dict[str, Any], name: str) -> None:
    report = explorer(definition).explore(SHORT[name])
    assert report.ends > 0
    if "lose" not in SHORT[name].kinds or not SHORT[name].faults:
        assert report.needed_sweep == 0


def looks_before_it_frees(event: dict[str, Any], _context: object) -> dict[str, object]:
    step, env = ReleaseStep.read(event), Environment.read()
    due = pending(env)
    env.ledger.release(step.execution)
    return Released(started=executions.start_after(env, step.execution, due) if due else None).to_payload()


def test_a_release_that_looks_before_it_frees_the_claim_loses_a_file(definition: dict[str, Any]) -> None:
    with pytest.raises(Violation, match="a file is unprocessed"):
        explorer(definition, release=looks_before_it_frees).explore(Story(FILES[:2]))


def answer(step: ClaimStep, outcome: Literal["claimed", "recover", "coalesced"]) -> dict[str, object]:
    asked = step.started
    return Claimed(outcome=outcome, reason=asked.reason, start=asked.start, run=asked.run).to_payload()


def takes_it_from_anybody(event: dict[str, Any], _context: object) -> dict[str, object]:
    step, env = ClaimStep.read(event), Environment.read()
    found = env.ledger.claim(step.execution, timestamp())
    if found and found.owner != step.execution:
        env.ledger.take_over(found, step.execution, timestamp())
    return answer(step, "claimed")


def test_a_claim_that_does_not_ask_whether_its_owner_runs_makes_two(definition: dict[str, Any]) -> None:
    with pytest.raises(Violation, match="without the claim"):
        explorer(definition, claim=takes_it_from_anybody).explore(Story(FILES[:2]))


def takes_over_what_may_have_started(event: dict[str, Any], _context: object) -> dict[str, object]:
    """As Claim does, but for the condition that a reserved claim was not taken up since it was looked at."""
    step, env = ClaimStep.read(event), Environment.read()
    found = env.ledger.claim(step.execution, timestamp())
    if found and found.owner == step.execution:
        return answer(step, "recover" if found.recover else "claimed")
    if found is None or executions.is_running(env, found.owner):
        return answer(step, "coalesced")
    ways = (found, Claim(found.owner))
    taken = any(env.ledger.take_over(way, step.execution, timestamp()) for way in ways)
    return answer(step, "recover" if taken else "coalesced")


def test_an_heir_that_starts_while_its_claim_is_taken_over_makes_two(definition: dict[str, Any]) -> None:
    story = Story(FILES[:2], faults=1, kinds=("kill",))
    with pytest.raises(Violation, match="without the claim"):
        explorer(definition, claim=takes_over_what_may_have_started).explore(story)


def test_without_reconcile_the_file_of_an_aborted_execution_is_left(definition: dict[str, Any]) -> None:
    story = Story(FILES[:1], faults=1, kinds=("abort",), by_call=False)
    with pytest.raises(Violation, match="a file is unprocessed"):
        explorer(definition, reconcile=lambda event, context: None).explore(story)


def starts_nothing(event: dict[str, Any], _context: object) -> dict[str, object]:
    step, env = ReleaseStep.read(event), Environment.read()
    env.ledger.release(step.execution)
    return Released(started=None).to_payload()


def test_a_release_that_does_not_look_for_orders_leaves_one(definition: dict[str, Any]) -> None:
    with pytest.raises(Violation, match="unanswered"):
        explorer(definition, release=starts_nothing).explore(Story(FILES[:1], by_call=False, orders=(BACK,)))


def of_whatever_is_live(handler: Handler) -> Handler:
    """A step to which an order is about whichever champion it finds."""

    def asked(event: dict[str, Any], context: object) -> Any:
        env = Environment.read()
        order, champion = env.ledger.orders.of(event["run"]), env.ledger.champion()
        if order and champion and event.get("target") != "champion":
            env.ledger.orders.give(replace(order, beside=champion.version))
        return handler(event, context)

    return asked


def test_an_order_that_does_not_say_which_champion_it_is_to_replace_moves_a_second_one(
    definition: dict[str, Any],
) -> None:
    steps = {name: of_whatever_is_live(HANDLERS[name]) for name in ("redeploy", "promote")}
    story = Story(FILES[:1], by_call=False, orders=(BACK, PAST_THE_GATE))
    with pytest.raises(Violation, match="moved more than once"):
        explorer(definition, **steps).explore(story)


def test_a_violation_tells_the_steps_that_lead_to_it(definition: dict[str, Any]) -> None:
    with pytest.raises(Violation) as broken:
        explorer(definition, release=looks_before_it_frees).explore(Story(FILES[:2]))
    assert "landing/b.csv is dropped" in str(broken.value)
    assert "Release asks delete_item" in str(broken.value)


def test_the_stories_use_the_synthesized_machine(definition: dict[str, Any]) -> None:
    """Without Claim's retry a killed function ends the execution: the definition decides, not a copy of it."""
    changed = json.loads(json.dumps(definition))
    for state in changed["States"].values():
        state.pop("Retry", None)
    before = explorer(definition).explore(SHORT["one file, every call, a function killed"])
    after = explorer(changed).explore(SHORT["one file, every call, a function killed"])
    assert after.states != before.states
