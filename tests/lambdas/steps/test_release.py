"""Release: the claim is free before anyone looks, and what is pending is started once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from domain.messages import Start
from domain.state import Approval, Run
from lambdas.dataset.pending import pending
from lambdas.steps import prepare, release
from tests.lambdas.project import Project, passed, reviews

CHANGED = Start.settle("landing changed")
FAILED = {"error": "VerifyFailed", "cause": "3 of 20 golden rows differ"}


def ask(execution: str, run: str | None = None, failed: dict[str, str] | None = None) -> Any:
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


def test_a_file_that_is_withdrawn_is_trained_without_though_its_dataset_was_judged_before(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = promoted(project)
    project.drop("b.csv", reviews(40, 100))
    promoted(project)
    assert pending(project.env) is None
    project.delete("b.csv")
    assert pending(project.env) == CHANGED
    again = prepare.handler({"execution": project.claim(), "reason": "withdrawn"}, None)
    assert (again["outcome"], again["run"]) == ("train", first.run)


def promoted(project: Project) -> Run:
    """The run of what landed, promoted, and its execution over."""
    execution = project.claim()
    prepared = prepare.handler({"execution": execution, "reason": "drop"}, None)
    run = project.env.ledger.run(str(prepared["run"]))
    assert run is not None
    champion = project.env.ledger.champion()
    judged = replace(run, champion_version=champion.version if champion else 0)
    project.env.ledger.promote(execution, passed(judged), "now")
    project.env.ledger.conclude(replace(judged, verdict="promote"))
    project.env.ledger.release(execution)
    return judged


def test_artifacts_that_nobody_needs_any_more_are_deleted(project: Project) -> None:
    execution = project.claim()
    project.env.ledger.claim(execution, "now")
    verdicts = ["promote", "keep", "promote", "promote", "promote", "reject", "awaiting-approval", "promote", "keep"]
    runs = [
        project.run(execution, run=f"{number:012}", dataset=f"d{number}", started=f"t{number}", verdict=verdict)
        for number, verdict in enumerate(verdicts)
    ]
    champion = 0
    for run in runs:
        if run.verdict == "promote":
            project.env.ledger.promote(execution, passed(replace(run, champion_version=champion)), "now")
            champion += 1
    for name in [f"{project.name}-{run.run}-1" for run in runs] + [
        "somebody-elses",
        f"my-{project.name}-{runs[1].run}-1",
    ]:
        project.client("s3").put_object(Bucket=project.bucket, Key=f"models/{name}/output/model.tar.gz", Body=b"")
    ask(execution)
    kept = [int(key.split("-")[-2]) for key in project.listed(f"models/{project.name}-")]
    assert kept == [0, 3, 4, 6, 7, 8], "the anchor, the last three promoted, what waits, and the last run"
    assert len(project.listed("models/")) == len(kept) + 2, "what is not ours is not touched"


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
    project.env.ledger.promote(execution, passed(run), "now")
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


# ---- the account's quota ------------------------------------------------------------------

LIMITED = {"error": "AccountLimitReached", "cause": json.dumps({"errorMessage": "10 in all", "errorType": "x"})}


def release_as(reason: str, execution: str, run: str | None = None, failed: dict[str, str] | None = None) -> Any:
    message = {"execution": execution, "run": run, "failed": failed, "reason": reason}
    return release.handler(message, None)["started"]


def judged(project: Project, execution: str) -> Run:
    """The run of what landed, with a job that finished; it is about to be deployed."""
    prepared = prepare.handler({"execution": execution, "reason": "drop"}, None)
    project.train(str(prepared["job"]))
    project.trained(str(prepared["job"]))
    run = project.env.ledger.run(str(prepared["run"]))
    assert run is not None
    return run


def test_what_the_accounts_quota_kept_from_going_live_is_tried_again_by_the_sweep(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    project.env.ledger.request("q", "someone asked", "now")
    execution = project.claim()
    run = judged(project, execution)
    for _ in range(2):
        assert release_as("sweep", execution, run.run, LIMITED) is None, "else it would be tried again for ever"
    postponed = project.env.ledger.run(run.run)
    assert postponed is not None
    assert (postponed.verdict, postponed.postponed) == (None, "AccountLimitReached: 10 in all")
    assert project.env.ledger.conclusion(run.dataset) is None
    assert pending(project.env) is None, "nor is it Reconcile's to start"
    sweep = prepare.handler({"execution": project.claim(), "reason": "sweep"}, None)
    assert (sweep["outcome"], sweep["run"]) == ("evaluate", run.run), "what was trained is not trained again"
    tried = project.env.ledger.run(run.run)
    assert tried is not None
    assert tried.postponed is None


def test_what_comes_after_a_postponed_run_does_not_wait_for_the_sweep(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    execution = project.claim()
    run = judged(project, execution)
    assert release_as("drop", execution, run.run, LIMITED) is None
    project.env.ledger.request("q", "someone asked", "now")
    assert pending(project.env) == Start.settle("someone asked")
    project.env.ledger.conclude(replace(run, run="other", dataset="other", verdict="keep", requests=("q",)))
    project.drop("b.csv", reviews(40, 100))
    assert pending(project.env) == CHANGED


def test_an_approved_run_that_was_postponed_is_due_to_who_comes_of_a_sweep(project: Project) -> None:
    execution = project.claim()
    run = project.run(execution, judged="promote", verdict="awaiting-approval", package="arn:p")
    judgement = project.judgement(run)
    project.env.ledger.judgements.approve(Approval(run.run, "arn:p", judgement.seal.archive), "now")
    assert release_as("approved", execution, run.run, LIMITED) is None
    for reason in ("deploy", "approved", "landing changed"):
        assert release_as(reason, project.claim()) is None
    other = project.run(project.claim(), run="other", dataset="d1", started="t2")
    assert release_as("sweep", other.execution, other.run, LIMITED) is None, "the account has not changed"
    assert release_as("sweep", project.claim())
    assert {"reason": "approved", "from": "Redeploy", "run": run.run, "chain": 0} in following(project)
    assert project.env.ledger.take_up(run, "next")
    adopted = project.env.ledger.run(run.run)
    assert adopted is not None
    assert adopted.postponed is None


def test_the_artifact_of_a_postponed_run_is_kept_until_another_came_after_it(project: Project) -> None:
    execution = project.claim()
    run = project.run(execution)
    key = f"models/{project.name}-{run.run}-1/output/model.tar.gz"
    project.client("s3").put_object(Bucket=project.bucket, Key=key, Body=b"")
    release_as("drop", execution, run.run, LIMITED)
    release_as("deploy", project.claim())
    assert project.listed("models/") == [key]
    project.run(project.claim(), run="other", dataset="d1", started="t2")
    release_as("drop", str(project.env.ledger.claimed_by()))
    assert project.listed("models/") == []
