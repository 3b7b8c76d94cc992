"""A person's order through Redeploy, Verify, Promote and Release: a model goes live that is there already, or nothing
changes and the person is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from domain import layout
from domain.data.dataset import Hold
from domain.errors import NotToBeDeployed, NotToBeOrdered, OrderedTooLate, Superseded, VerifyFailed
from domain.messages import Start
from domain.state import AWAITING, Champion, Judgement, Order, OrderKind, Run
from lambdas.dataset.pending import current_sources, pending
from lambdas.model import hosting
from lambdas.steps import announce, prepare, promote, redeploy, release, verify
from tests.lambdas.models import Models
from tests.lambdas.project import Judge, Project, passed, reviews, until

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
ORDER = "0000000000aa"
ANN = "arn:aws:iam::000000000000:user/ann"


def order(project: Project, model: str, beside: int, kind: OrderKind = "rollback", **fields: Any) -> Order:
    """An open order, as the command leaves it."""
    given = Order(ORDER, kind, model, beside, ANN, "answers are wrong", "2026-01-01T00:00:00+00:00")
    given = replace(given, **fields)
    project.env.ledger.orders.give(given)
    return given


def deploy(execution: str, stage: str = "live", run: str = ORDER) -> dict[str, Any]:
    return redeploy.handler({"execution": execution, "target": "candidate", "stage": stage, "run": run}, None)


def crown(execution: str, run: str = ORDER) -> None:
    promote.handler({"execution": execution, "run": run}, None)


def let_go(execution: str, error: str | None = None, run: str | None = ORDER) -> object:
    failed = {"error": error, "cause": "why"} if error else None
    return release.handler({"execution": execution, "run": run, "failed": failed}, None)["started"]


def champion(project: Project) -> Champion:
    found = project.env.ledger.champion()
    assert found is not None
    return found


def judgement_of(project: Project, run: str) -> Judgement:
    found = project.env.ledger.judgements.of(run)
    assert found is not None
    return found


def await_config(project: Project, config: str) -> None:
    """Until the live endpoint serves it."""
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == config)


def is_rehearsed(project: Project) -> bool:
    """Whether the rehearsal's endpoint is up."""
    found = hosting.describe_endpoint(project.env, project.env.rehearsal)
    return found is not None and found["EndpointStatus"] == "InService"


def run_of(project: Project) -> Run:
    return project.env.ledger.require_run(ORDER)


@pytest.fixture
def two(project: Project, models: Models, judged: Judge) -> str:
    """The run TWO is live and ONE was before it; the execution that has the claim."""
    execution = project.claim()
    for against, (run, artifact) in enumerate(((ONE, models.right), (TWO, models.constant))):
        judged(run, artifact, execution, against=against)
        config = redeploy.handler({"execution": execution, "target": "candidate", "run": run}, None)["config"]
        await_config(project, str(config))
        crown(execution, run)
    return execution


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


# ---- past the gate -----------------------------------------------------------------------


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


# ---- what is pending, held and kept --------------------------------------------------------


def live(project: Project) -> Run:
    """The run of what landed, promoted, its execution over."""
    execution = project.claim()
    prepared = prepare.handler({"execution": execution, "reason": "drop"}, None)
    known = project.env.ledger.champion()
    run = project.env.ledger.require_run(str(prepared["run"]))
    run = replace(run, champion_version=known.version if known else 0, judged="promote", verdict="promote")
    project.env.ledger.promote(execution, passed(run), "now")
    project.env.ledger.conclude(run)
    project.env.ledger.release(execution)
    return run


@pytest.fixture
def drops(project: Project) -> tuple[Run, Run]:
    """Two files, each of which made a model that went live; nothing runs."""
    project.drop("a.csv", reviews(40))
    first = live(project)
    project.drop("b.csv", reviews(40, 100))
    return first, live(project)


def go_back(project: Project, to: Run, beside: int = 2, **fields: Any) -> None:
    """Carry an order out on the ledger, as the steps do."""
    order(project, to.run, beside, **fields)
    execution = project.claim()
    project.run(execution, run=ORDER, dataset=to.dataset, landed=to.landed, makes_live=to.run, champion_version=beside)
    crown(execution)
    project.env.ledger.release(execution)


def test_the_model_that_was_left_does_not_come_back_by_itself(project: Project, drops: tuple[Run, Run]) -> None:
    go_back(project, drops[0])
    assert (pending(project.env), pending(project.env, again=True)) == (None, None), "neither for Release nor the sweep"
    looked = prepare.handler({"execution": project.claim(), "reason": "sweep"}, None)
    assert looked["outcome"] == "nothing_new"


def test_what_comes_later_is_judged_beside_what_is_live(project: Project, drops: tuple[Run, Run]) -> None:
    go_back(project, drops[0])
    project.drop("c.csv", reviews(40, 200))
    assert pending(project.env) == Start.settle("landing changed")
    prepared = prepare.handler({"execution": project.claim(), "reason": "drop"}, None)
    assert prepared["outcome"] == "train"
    assert champion(project).dataset == drops[0].dataset


def test_a_file_that_came_before_the_order_and_was_not_judged_is_not_lost(
    project: Project, drops: tuple[Run, Run]
) -> None:
    project.drop("c.csv", reviews(40, 200))
    go_back(project, drops[0])
    assert pending(project.env) == Start.settle("landing changed")


def test_with_hold_the_dataset_is_the_restored_models(project: Project, drops: tuple[Run, Run]) -> None:
    (added,) = [one for one in current_sources(project.env) if one.key == "landing/b.csv"]
    go_back(project, drops[0], holds=(Hold(added, ORDER, "went back"),))
    assert project.env.ledger.held()[added.source].run == ORDER
    assert [one.key for one in current_sources(project.env)] == ["landing/a.csv"]
    assert pending(project.env, again=True) is None
    project.drop("c.csv", reviews(40, 200))
    prepared = prepare.handler({"execution": project.claim(), "reason": "drop"}, None)
    version = project.json(layout.version(1, project.dataset(prepared), "manifest.json"))
    assert [one["key"] for one in version["sources"]] == ["landing/a.csv", "landing/c.csv"]


def test_a_file_that_is_taken_back_after_it_makes_no_run(project: Project, drops: tuple[Run, Run]) -> None:
    """Landing is then what the restored model was trained with."""
    go_back(project, drops[0])
    project.delete("b.csv")
    assert pending(project.env) is None


def test_an_order_is_due_before_all_else(project: Project, drops: tuple[Run, Run]) -> None:
    project.env.ledger.request("q", "someone asked", "now")
    order(project, drops[0].run, 2)
    assert pending(project.env) == Start.redeploy("rollback", ORDER)
    execution = project.claim()
    assert let_go(execution, run=None)
    (message,) = [sent for name, sent in project.executions().items() if name.startswith("after-")]
    assert message == {"reason": "rollback", "from": "Redeploy", "run": ORDER, "chain": 0}


def test_one_that_the_accounts_quota_kept_back_is_the_sweeps(project: Project, two: str) -> None:
    order(project, ONE, 2)
    deploy(two, "rehearsal")
    let_go(two, "AccountLimitReached")
    assert run_of(project).postponed == "AccountLimitReached: why"
    assert pending(project.env) is None, "else each try would start the next"
    assert pending(project.env, again=True) == Start.redeploy("rollback", ORDER)
    assert champion(project).run == TWO


def test_one_that_could_not_be_carried_out_decides_nothing_about_the_data(
    project: Project, drops: tuple[Run, Run]
) -> None:
    project.drop("c.csv", reviews(40, 200))
    order(project, drops[0].run, 2)
    execution = project.claim()
    project.run(execution, run=ORDER, dataset="d", landed=project.dataset({"run": None}), makes_live=drops[0].run)
    let_go(execution, "VerifyFailed")
    assert run_of(project).verdict == "gave-up"
    assert pending(project.env) == Start.settle("landing changed")


def test_what_an_order_names_is_kept_and_its_run_is_not_the_last_one(project: Project, two: str) -> None:
    """So a model that the gate refused can be promoted while it is the last, and after an order that failed."""
    uri = f"models/{project.name}-{THREE}-1/output/model.tar.gz"
    project.run(two, run=THREE, verdict="reject", judged="reject", started="5")
    project.client("s3").put_object(Bucket=project.bucket, Key=uri, Body=b"")
    project.run(two, run=ORDER, makes_live=THREE, verdict="gave-up", started="6")
    let_go(two)
    assert uri in project.listed("models/")
    order(project, THREE, 2, "promote")
    project.run(project.claim(), run="444444444444", dataset="d4", verdict="keep", started="7")
    let_go(str(project.env.ledger.claimed_by()), run=None)
    assert uri in project.listed("models/")
    project.env.ledger.orders.close(ORDER)
    let_go(project.claim(), run=None)
    assert uri not in project.listed("models/")


def test_golden_rows_decide_about_a_former_model_as_about_any(project: Project, two: str) -> None:
    order(project, ONE, 2)
    config = deploy(two, "rehearsal")["config"]
    until(lambda: is_rehearsed(project))
    key = layout.run_file(ONE, "golden.json")
    golden = [{**row, "label": {"pos": "neg", "neg": "pos"}[row["label"]]} for row in project.json(key)]
    project.client("s3").put_object(Bucket=project.bucket, Key=key, Body=json.dumps(golden))
    with pytest.raises(VerifyFailed, match="20 of 20 golden rows differ"):
        verify.handler({"execution": two, "stage": "rehearsal", "config": config}, None)
