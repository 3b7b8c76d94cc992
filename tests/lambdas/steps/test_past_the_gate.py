"""A person lets a model live that the gate refused, or that was never live."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import NotToBeDeployed, NotToBeOrdered
from domain.state import AWAITING, Run
from tests.lambdas.models import Models
from tests.lambdas.ordering import (
    ANN,
    ONE,
    THREE,
    TWO,
    await_config,
    champion,
    crown,
    deploy,
    judgement_of,
    let_go,
    order,
    run_of,
)
from tests.lambdas.project import Judge, Project


def refused(project: Project, judged: Judge, models: Models, execution: str) -> Run:
    """The run THREE, which the gate did not let pass."""
    run = judged(THREE, models.right, execution, against=2)
    project.judgement(run, judgement_of(project, THREE).seal, verdict="reject")
    ended = replace(run, judged="reject", verdict="reject")
    project.env.ledger.save_run(ended)
    return ended


def test_a_person_lets_a_model_past_the_gate(project: Project, two: str, models: Models, judged: Judge) -> None:
    run = refused(project, judged, models, two)
    project.env.ledger.conclude(run)
    with pytest.raises(NotToBeDeployed, match="has not passed the gate"):
        deploy(two, run=THREE)
    order(project, THREE, 2, "promote", reason="the gate lacks rows")
    config = deploy(two)["config"]
    await_config(project, config)
    for _ in range(2):
        crown(two)
    now, ended = champion(project), run_of(project)
    assert (now.run, now.version, now.before) == (THREE, 3, (TWO, ONE))
    assert [former.left for former in project.env.ledger.formers()] == [False, False]
    assert (ended.verdict, ended.judged) == ("promote", None)
    assert ended.sentence == (
        f"Promoted past the gate: run {THREE} in place of run {TWO}, ordered by {ANN}: the gate lacks rows"
    )
    gates = project.env.ledger.require_run(THREE)
    assert gates.verdict == "reject", "what the gate said stands"
    assert [project.env.ledger.conclusion(name) for name in (THREE, TWO)] == ["promote", "promote"]


def test_what_waits_for_an_approval_is_an_approvers_to_let_pass(
    project: Project, two: str, models: Models, judged: Judge
) -> None:
    run = judged(THREE, models.right, two, against=2)
    project.env.ledger.save_run(replace(run, verdict=AWAITING))
    order(project, THREE, 2, "promote")
    with pytest.raises(NotToBeOrdered, match=f"mlops approve {THREE}"):
        deploy(two)


def test_what_was_never_judged_is_not_let_past_the_gate(project: Project, two: str) -> None:
    project.run(two, run=THREE, dataset=THREE)
    for unknown in (THREE, "444444444444"):
        order(project, unknown, 2, "promote")
        with pytest.raises(NotToBeOrdered, match="never judged"):
            deploy(two)
    let_go(two, NotToBeOrdered.__name__)
    assert run_of(project).verdict == "gave-up"


def test_the_first_model_of_all_may_be_one_that_the_gate_refused(
    project: Project, models: Models, judged: Judge
) -> None:
    execution = project.claim()
    run = judged(ONE, models.right, execution)
    project.judgement(run, judgement_of(project, ONE).seal, verdict="reject")
    order(project, ONE, 0, "promote")
    deploy(execution)
    crown(execution)
    assert champion(project).run == ONE
    assert project.env.ledger.anchor(1) == champion(project)
