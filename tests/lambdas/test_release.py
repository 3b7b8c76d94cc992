"""Release: the claim is free before anyone looks, and what is pending is started once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.facts import Run
from lambdas import prepare, release
from lambdas.pending import pending
from tests.lambdas.project import Project, reviews

CHANGED = {"reason": "landing changed", "from": "Settle"}
FAILED = {"error": "VerifyFailed", "cause": "3 of 20 golden rows differ"}


def ask(execution: str, run: str = "", failed: dict[str, str] | None = None) -> Any:
    return release.handler({"execution": execution, "run": run, "failed": failed}, None)["started"]


def following(project: Project) -> list[dict[str, Any]]:
    return [message for name, message in project.executions().items() if name.startswith("after-")]


def test_with_nothing_pending_nothing_is_started(project: Project) -> None:
    assert ask(project.claim()) is None
    assert project.env.ledger.claimed_by() is None
    assert following(project) == []


def test_a_file_that_came_meanwhile_starts_exactly_one_execution(project: Project) -> None:
    execution = project.claim()
    project.drop("a.csv", reviews(10))
    started = ask(execution)
    assert started
    assert ask(execution) == started, "a retry finds what the first try started"
    assert following(project) == [{"reason": "landing changed", "from": "Settle", "chain": 0}]
    assert project.env.ledger.claimed_by() is None


def test_a_request_that_came_meanwhile_starts_one(project: Project) -> None:
    execution = project.claim()
    project.env.ledger.request("q", "someone asked", "now")
    assert ask(execution)
    assert following(project)[0]["reason"] == "someone asked"


def test_a_retry_after_the_claim_went_on_leaves_it_where_it_is(project: Project) -> None:
    execution = project.claim()
    ask(execution)
    other = project.claim()
    ask(execution)
    assert project.env.ledger.claimed_by() == other


def test_what_is_concluded_or_held_is_not_pending(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    execution = project.claim()
    prepared = prepare.handler({"execution": execution, "reason": "drop"}, None)
    assert pending(project.env) == CHANGED
    run = project.env.ledger.run(str(prepared["run"]))
    assert run is not None
    project.env.ledger.conclude(replace(run, verdict="keep"))
    assert pending(project.env) is None
    project.drop("bad.csv", "wrong\n")
    assert pending(project.env) == CHANGED
    prepare.handler({"execution": execution, "reason": "drop"}, None)
    assert pending(project.env) is None, "a file held by Prepare leaves the dataset that is concluded"


def test_a_run_that_was_rolled_back_is_given_up(project: Project) -> None:
    execution = project.claim()
    run = project.run(execution, requests=("q",))
    project.env.ledger.request("q", "retrain", "now")
    for _ in range(2):
        assert ask(execution, run.run, FAILED) is None
    ended = project.env.ledger.run(run.run)
    assert ended is not None
    assert (ended.verdict, ended.sentence) == ("gave-up", "VerifyFailed: 3 of 20 golden rows differ")
    assert project.env.ledger.conclusion(run.dataset) == "gave-up"


def test_a_run_that_was_promoted_before_it_failed_stays_promoted(project: Project) -> None:
    execution = project.claim()
    run = project.run(execution)
    project.env.ledger.promote(execution, run, "now")
    ask(execution, run.run, FAILED)
    assert project.env.ledger.conclusion(run.dataset) == "promote"


@pytest.mark.parametrize("verdict", ["keep", "reject", "promote"])
def test_a_concluded_run_stays_as_it_was_concluded(project: Project, verdict: str) -> None:
    execution = project.claim()
    run = project.run(execution, verdict=verdict)
    ask(execution, run.run, FAILED)
    assert project.env.ledger.run(run.run) == run


def test_a_late_release_does_not_end_what_a_newer_execution_works_on(project: Project) -> None:
    late, newer = project.start(), project.claim()
    run: Run = project.run(newer)
    ask(late, run.run, FAILED)
    assert project.env.ledger.run(run.run) == run
    assert project.env.ledger.claimed_by() == newer
