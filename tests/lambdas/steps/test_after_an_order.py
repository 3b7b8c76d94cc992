"""What is due, held and kept before and after a person's order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain import layout
from domain.data.dataset import Hold
from domain.messages import Start
from domain.state import Run
from lambdas.dataset.pending import current_sources, pending
from lambdas.steps import prepare
from tests.lambdas.ordering import (
    ONE,
    ORDER,
    THREE,
    TWO,
    champion,
    crown,
    deploy,
    let_go,
    order,
    run_of,
)
from tests.lambdas.project import Project, passed, reviews


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
