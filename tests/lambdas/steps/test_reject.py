"""Reject: what is held when data did harm, and what is not."""

from __future__ import annotations

import pytest

from domain.errors import Superseded
from lambdas.steps import prepare
from tests.lambdas.models import Models
from tests.lambdas.project import Project
from tests.lambdas.steps.test_evaluate import champion, judge, prepared, refuse


def test_what_did_harm_is_held_and_the_rest_goes_on(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    live = champion(project, models.right, job)
    project.drop("poison.csv", models.reviews(150, flipped=True))
    answer, run = judge(project, prepared(project), models.other, job)
    assert answer["verdict"] == "reject"
    for _ in range(2):
        refuse(run)
        (hold,) = project.env.ledger.held().values()
        assert (hold.source.key, hold.run, hold.reason) == ("landing/poison.csv", run.run, run.sentence)
        assert project.env.ledger.conclusion(run.dataset) == "reject"
    project.env.ledger.release(run.execution)
    again = prepare.handler({"execution": project.claim(), "reason": "sweep"}, None)
    assert (again["outcome"], project.dataset(again)) == ("nothing_new", live.dataset)


def test_a_harmful_overwrite_leaves_its_predecessor_in_place(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 100))
    project.drop("b.csv", models.reviews(100))
    live = champion(project, models.right, job)
    project.drop("b.csv", models.reviews(100, flipped=True))
    _, run = judge(project, prepared(project), models.other, job)
    refuse(run)
    project.env.ledger.release(run.execution)
    again = prepare.handler({"execution": project.claim(), "reason": "sweep"}, None)
    assert (again["outcome"], project.dataset(again)) == ("nothing_new", live.dataset)


def test_without_a_champion_nothing_is_held(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    answer, run = judge(project, prepared(project), models.constant, job)
    assert answer["verdict"] == "reject"
    refuse(run)
    assert project.env.ledger.held() == {}
    assert project.env.ledger.conclusion(run.dataset) == "reject"


def test_what_is_kept_as_it_was_is_not_held(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    champion(project, models.right, job)
    project.drop("b.csv", models.reviews(150))
    run = prepared(project)
    # Raised after Prepare's own check, as by a deploy in between.
    project.configure(gate={"min_test_rows": 190})
    answer, run = judge(project, run, models.other, job)
    assert answer["verdict"] == "keep"
    refuse(run)
    assert project.env.ledger.held() == {}
    assert project.env.ledger.conclusion(run.dataset) == "keep"


def test_what_was_not_judged_is_not_rejected(project: Project, models: Models) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    with pytest.raises(Superseded, match="was not judged"):
        refuse(run)
