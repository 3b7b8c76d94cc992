"""A person goes back: a former model takes the way of a promotion, or nothing changes and they are told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from domain import layout
from domain.errors import NotToBeOrdered, OrderedTooLate, Superseded, VerifyFailed
from domain.state import OrderKind
from lambdas.steps import announce, verify
from tests.lambdas.models import Models
from tests.lambdas.ordering import (
    ANN,
    ONE,
    ORDER,
    THREE,
    TWO,
    await_config,
    champion,
    crown,
    deploy,
    is_rehearsed,
    judgement_of,
    let_go,
    order,
    run_of,
)
from tests.lambdas.project import Judge, Project, until


def test_a_former_model_is_rehearsed_goes_live_and_is_the_champion(project: Project, two: str) -> None:
    before = project.endpoint("InService")["LastModifiedTime"]
    order(project, ONE, 2)
    rehearsed = deploy(two, "rehearsal")
    assert layout.deployed_run(project.name, str(rehearsed["config"])) == ONE
    until(lambda: is_rehearsed(project))
    verify.handler({"execution": two, "stage": "rehearsal", "config": rehearsed["config"]}, None)
    assert project.endpoint("InService")["LastModifiedTime"] == before, "nobody else has seen it"
    config = deploy(two)["config"]
    await_config(project, config)
    verify.handler({"execution": two, "stage": "live", "config": config}, None)
    for _ in range(2):
        crown(two)
    now = champion(project)
    assert (now.run, now.version, now.before) == (ONE, 3, (TWO,))
    assert now.seal == judgement_of(project, ONE).seal
    ended = run_of(project)
    assert (ended.verdict, ended.makes_live, ended.by) == ("restored", ONE, ANN)
    assert ended.sentence == (
        f"Restored: run {ONE} is live again in place of run {TWO}, ordered by {ANN}: answers are wrong"
    )
    assert project.env.ledger.orders.open() == []
    assert let_go(two) is None, "what is live is what should be, and nothing is pending"


def test_it_is_announced_as_what_it_is(project: Project, two: str) -> None:
    order(project, ONE, 2)
    deploy(two)
    crown(two)
    project.notifications()
    for _ in range(2):
        announce.handler({"execution": two, "run": ORDER}, None)
    (told,) = project.notifications()
    assert told["Subject"] == f"{project.name}: Model Restored"
    assert told["Message"].startswith(f"Restored: run {ONE} is live again in place of run {TWO}, ordered by {ANN}")
    assert "(started because: rollback: answers are wrong)" in told["Message"]


def test_going_back_needs_no_new_config(project: Project, two: str) -> None:
    configs = {item["EndpointConfigName"] for item in listed_configs(project)}
    order(project, ONE, 2)
    assert deploy(two)["config"] in configs


def listed_configs(project: Project) -> list[dict[str, Any]]:
    found = project.client("sagemaker").list_endpoint_configs(NameContains=f"{project.name}-")
    configs: list[dict[str, Any]] = found["EndpointConfigs"]
    return configs


def test_another_champion_than_the_order_names_is_not_replaced(project: Project, two: str) -> None:
    order(project, ONE, 1)
    with pytest.raises(OrderedTooLate, match="take the place of champion 1, and now it is 2"):
        deploy(two, "rehearsal")
    with pytest.raises(OrderedTooLate):
        crown(two)
    let_go(two, OrderedTooLate.__name__)
    ended = run_of(project)
    assert (ended.verdict, ended.sentence) == ("gave-up", "OrderedTooLate: why")
    assert (champion(project).run, project.env.ledger.orders.open()) == (TWO, [])


def test_a_promotion_that_comes_in_between_wins(project: Project, two: str, models: Models, judged: Judge) -> None:
    order(project, ONE, 2)
    deploy(two)
    judged(THREE, models.right, two, against=2)
    crown(two, THREE)
    with pytest.raises(OrderedTooLate):
        crown(two)
    assert champion(project).run == THREE


def test_without_the_claim_nothing_is_deployed_and_nothing_moves(project: Project, two: str) -> None:
    order(project, ONE, 2)
    deploy(two)
    project.env.ledger.hand_over(two, "successor", "now")
    for step in (deploy, crown):
        with pytest.raises(Superseded):
            step(two)
    assert champion(project).run == TWO
    assert project.env.ledger.orders.open() != []


def test_what_is_not_kept_or_of_another_epoch_is_not_gone_back_to(
    project: Project, two: str, models: Models, judged: Judge
) -> None:
    judged(THREE, models.right, two, against=2)
    order(project, THREE, 2)
    with pytest.raises(NotToBeOrdered, match="not one of the models that were live"):
        deploy(two)
    project.judgement(project.run(two, run=THREE, dataset=THREE, epoch=2, judged="promote", champion_version=2))
    crown(two, THREE)
    order(project, ONE, 3)
    with pytest.raises(NotToBeOrdered, match="is of epoch 1, and what is live of epoch 2"):
        deploy(two)
    assert champion(project).run == THREE


def test_a_runs_record_alone_brings_nothing_live(project: Project, two: str) -> None:
    """Prepare and others may write it; an order is people's alone."""
    project.run(two, run=ORDER, makes_live=ONE, judged="promote", champion_version=2)
    with pytest.raises(NotToBeOrdered, match=f"no open order {ORDER}"):
        deploy(two)
    with pytest.raises(Superseded):
        crown(two)
    assert champion(project).run == TWO


@pytest.mark.parametrize(("kind", "verdict"), [("rollback", "restored"), ("promote", "promote")])
def test_one_that_failed_when_its_model_was_live_has_not_failed(
    project: Project, two: str, kind: OrderKind, verdict: str
) -> None:
    """Promote was killed for good in the middle, and another execution met trouble before it came there again."""
    given = order(project, ONE, 2, kind)
    deploy(two)
    judgement = replace(judgement_of(project, ONE), champion_version=2)
    project.env.ledger.promote(two, judgement, "now", order=given)
    let_go(two, "EndpointNotReady")
    assert run_of(project).verdict == verdict
    assert (champion(project).run, project.env.ledger.orders.open()) == (ONE, [])
    assert project.env.ledger.conclusion(ONE) == verdict


def test_golden_rows_decide_about_a_former_model_as_about_any(project: Project, two: str) -> None:
    order(project, ONE, 2)
    config = deploy(two, "rehearsal")["config"]
    until(lambda: is_rehearsed(project))
    key = layout.run_file(ONE, "golden.json")
    golden = [{**row, "label": {"pos": "neg", "neg": "pos"}[row["label"]]} for row in project.json(key)]
    project.client("s3").put_object(Bucket=project.bucket, Key=key, Body=json.dumps(golden))
    with pytest.raises(VerifyFailed, match="20 of 20 golden rows differ"):
        verify.handler({"execution": two, "stage": "rehearsal", "config": config}, None)
