"""Reconcile: what a failed, aborted or timed-out execution leaves behind is made good, and told once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from domain import layout
from domain.state import TEARDOWN, Order
from lambdas.dataset.pending import current_dataset, current_sources
from lambdas.events import reconcile
from lambdas.steps import announce
from tests.lambdas.project import Project, passed, reviews, until


def tell(execution: str) -> None:
    """The event that EventBridge sends; Reconcile reads no more of it than the ARN."""
    reconcile.handler({"detail": {"executionArn": execution, "status": "FAILED"}}, None)


def failed(project: Project, error: str = "E", cause: str = "no disk", **message: Any) -> str:
    """An execution that failed while it held the claim."""
    execution = project.start("fail", error=error, cause=cause, reason="drop", **{"from": "Settle", **message})
    project.env.ledger.claim(execution, "then")
    return execution


def successor(project: Project, execution: str) -> str:
    return f"reconcile-{layout.digest(execution)}"


def started(project: Project) -> dict[str, dict[str, Any]]:
    return {name: message for name, message in project.executions().items() if name.startswith(("reconcile", "after"))}


def test_the_claim_goes_to_one_execution_named_after_the_dead_one(project: Project) -> None:
    execution = failed(project)
    tell(execution)
    name = successor(project, execution)
    assert started(project) == {name: {"reason": "reconcile", "from": "Redeploy", "chain": 1}}
    assert str(project.env.ledger.claimed_by()).endswith(f":{name}")
    (told,) = project.notifications()
    assert told["Message"].startswith(f"An execution of {project.name} failed: no disk")


def test_the_same_event_again_changes_nothing(project: Project) -> None:
    execution = failed(project)
    tell(execution)
    items = project.env.ledger._items.all("claim") + project.env.ledger._items.all("failures")
    project.notifications()
    tell(execution)
    assert list(started(project)) == [successor(project, execution)]
    after = project.env.ledger._items.all("claim") + project.env.ledger._items.all("failures")
    assert [{**item, "since": ""} for item in after] == [{**item, "since": ""} for item in items]
    assert project.notifications() == []


def test_killed_after_the_hand_over_the_next_try_starts_the_successor(project: Project) -> None:
    execution = failed(project)
    arn = project.machine.replace(":stateMachine:", ":execution:") + ":" + successor(project, execution)
    project.env.ledger.hand_over(execution, arn, "now")
    tell(execution)
    assert list(started(project)) == [successor(project, execution)]
    assert len(project.notifications()) == 1


def test_late_when_another_execution_works_it_only_tells(project: Project) -> None:
    execution = failed(project)
    project.env.ledger.release(execution)
    other = project.claim()
    job = layout.training_job(project.name, "0123456789ab", 2)
    project.run(execution)
    project.train(job, seconds=300)
    tell(execution)
    assert project.env.ledger.claimed_by() == other
    assert started(project) == {}
    assert len(project.notifications()) == 1
    described = project.client("sagemaker").describe_training_job(TrainingJobName=job)
    assert described["TrainingJobStatus"] == "InProgress", "it may be the other execution's"
    project.client("sagemaker").stop_training_job(TrainingJobName=job)


def test_its_training_job_is_stopped(project: Project) -> None:
    execution = failed(project)
    run = project.run(execution)
    job = layout.training_job(project.name, run.run, 1)
    project.train(job, seconds=300)
    tell(execution)
    project.trained(job, "Stopped")


def test_with_a_free_claim_what_is_pending_is_started_once(project: Project) -> None:
    execution = project.start("fail", error="Lambda.Unknown", cause="Release died")
    project.drop("a.csv", reviews(10))
    for _ in range(2):
        tell(execution)
    assert started(project) == {
        f"after-{layout.digest(execution)}": {"reason": "landing changed", "from": "Settle", "chain": 1}
    }


@pytest.mark.parametrize("given", ['{"from": "Promote", "chain": "x"}', "[1]", '"Redeploy"', "null", '{"chain": {}}'])
def test_one_that_was_started_with_what_means_nothing_is_told_of_and_counts_for_nothing(
    project: Project, given: str
) -> None:
    states = project.client("stepfunctions")
    # Claim refuses it, so it ends before it holds anything.
    machine = {
        "StartAt": "Claim",
        "States": {"Claim": {"Type": "Fail", "Error": "WrongEvent", "Cause": "no ClaimStep"}},
    }
    states.update_state_machine(stateMachineArn=project.machine, definition=json.dumps(machine))
    execution = states.start_execution(stateMachineArn=project.machine, input=given)["executionArn"]
    until(lambda: project.status(execution) == "FAILED")
    for _ in range(2):
        tell(execution)
    (told,) = project.notifications()
    assert "no ClaimStep" in told["Message"]
    assert (project.env.ledger.runs(), project.env.ledger.claimed_by()) == ([], None)


def test_with_a_free_claim_and_nothing_pending_nothing_is_started(project: Project) -> None:
    tell(project.start("fail", error="E", cause="c"))
    assert started(project) == {}


def test_executions_that_die_before_they_claim_do_not_follow_each_other_for_ever(project: Project) -> None:
    project.drop("a.csv", reviews(10))
    tell(project.start("fail", error="E", cause="c", chain=reconcile.MAX_CHAIN))
    assert started(project) == {}
    assert len(project.notifications()) == 1


def test_a_convergence_that_failed_is_tried_again_so_often_in_a_row(project: Project) -> None:
    execution = failed(project, chain=1, **{"from": "Redeploy"})
    tell(execution)
    assert started(project)[successor(project, execution)]["chain"] == 2


def test_then_the_claim_is_given_back_and_a_person_is_needed(project: Project) -> None:
    execution = failed(project, chain=reconcile.MAX_CHAIN, **{"from": "Redeploy"})
    tell(execution)
    assert started(project) == {}
    assert project.env.ledger.claimed_by() is None
    assert "could not be brought back" in project.notifications()[0]["Message"]


def test_a_teardown_is_left_alone(project: Project) -> None:
    execution = failed(project)
    project.env.ledger.seize(TEARDOWN, "now")
    tell(execution)
    assert started(project) == {}
    assert project.notifications() == []


def test_an_event_that_comes_several_times_at_once_is_told_once(project: Project) -> None:
    execution = failed(project)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, [execution] * 4))
    assert len(project.notifications()) == 1


# ---- giving up ---------------------------------------------------------------------------


def test_a_dataset_is_given_up_after_so_many_failed_attempts(project: Project) -> None:
    project.env.ledger.request("q", "retrain", "now")
    for attempt in range(1, 4):
        execution = failed(project, cause=json.dumps({"errorMessage": "no disk", "errorType": "OSError"}))
        run = project.run(execution, attempt=attempt, requests=("q",))
        tell(execution)
        ended = project.env.ledger.require_run(run.run)
        assert ended.verdict == (None if attempt < 3 else "gave-up")
        project.env.ledger.seize("nobody", "now")
        project.env.ledger.release("nobody")
    assert ended.sentence == "Given up: 3 attempts failed. no disk"
    assert project.env.ledger.conclusion(run.dataset) == "gave-up"
    assert project.env.ledger.requests() == {}
    told = [note["Message"] for note in project.notifications()]
    assert ["not tried again" in message for message in told] == [False, False, True]


def test_without_quota_it_is_given_up_at_once_with_advice(project: Project) -> None:
    execution = failed(project, error="SageMaker.ResourceLimitExceededException", cause="limit is 0 Instances")
    run = project.run(execution)
    tell(execution)
    assert project.env.ledger.conclusion(run.dataset) == "gave-up"
    assert "Service Quotas" in project.notifications()[0]["Message"]


def test_what_the_data_decides_is_given_up_after_one_attempt(project: Project) -> None:
    """As SageMaker's job ends and Step Functions tells it: the description of the job, in JSON."""
    reason = "AlgorithmError: TooFewLabels: every training row has the label 'a': drop others, exit code: 1"
    described = {"TrainingJobName": "j", "TrainingJobStatus": "Failed", "FailureReason": reason}
    execution = failed(project, error="States.TaskFailed", cause=json.dumps(described))
    run = project.run(execution)
    tell(execution)
    ended = project.env.ledger.run(run.run)
    assert ended is not None
    assert (ended.verdict, ended.sentence) == ("gave-up", f"Given up: another attempt would end the same. {reason}")
    assert project.env.ledger.conclusion(run.dataset) == "gave-up"
    (told,) = project.notifications()
    assert "It is not tried again by itself (another attempt would end the same)." in told["Message"]


def test_what_fails_before_there_is_a_run_is_given_up_as_well(project: Project) -> None:
    project.configure(operations={"max_attempts": 1})
    project.drop("a.csv", reviews(10))
    project.env.ledger.request("q", "retrain", "now")
    execution = failed(project, error="EpochChanged", cause="data.label changed")
    for _ in range(2):
        tell(execution)
    (run,) = project.env.ledger.runs()
    assert (run.verdict, run.requests, run.execution) == ("gave-up", ("q",), execution)
    assert project.env.ledger.requests() == {}
    assert project.env.ledger.conclusion(run.dataset) == "gave-up"


def test_an_abort_is_not_counted(project: Project) -> None:
    project.configure(operations={"max_attempts": 1})
    execution = project.claim()
    run = project.run(execution)
    project.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: project.status(execution) == "ABORTED")
    tell(execution)
    assert project.env.ledger.conclusion(run.dataset) is None
    assert list(started(project)) == [successor(project, execution)]
    assert "was stopped" in project.notifications()[0]["Subject"]


@pytest.mark.parametrize("verdict", ["promote", "keep", "reject"])
def test_what_fails_after_the_run_was_concluded_leaves_it_so(project: Project, verdict: str) -> None:
    project.configure(operations={"max_attempts": 1})
    execution = failed(project)
    run = project.run(execution, verdict=verdict)
    tell(execution)
    assert project.env.ledger.run(run.run) == run
    assert list(started(project)) == [successor(project, execution)]
    assert "not tried again" not in project.notifications()[0]["Message"]


@pytest.mark.parametrize("told", [True, False])
def test_how_a_run_ended_is_told_with_the_failure_unless_it_was_told_before(project: Project, told: bool) -> None:
    execution = failed(project)
    run = project.run(execution, verdict="promote", sentence="Better.")
    if told:
        announce.handler({"execution": execution, "run": run.run}, None)
        project.notifications()
    tell(execution)
    (said,) = project.notifications()
    assert (f"Run {run.run} (started" in said["Message"]) is not told
    announce.handler({"execution": execution, "run": run.run}, None)
    assert project.notifications() == [], "Announce comes too late"


def test_what_a_step_concludes_until_the_claim_is_handed_over_is_told(project: Project) -> None:
    """The step outlives its aborted execution, and is at it while Reconcile looks."""
    execution = failed(project)
    run = project.run(execution)
    events, listing = project.env.client("sagemaker").meta.events, "before-call.sagemaker.ListTrainingJobs"

    def promote(**_: object) -> None:
        project.env.ledger.promote(execution, passed(run), "now", replace(run, verdict="promote", sentence="Better."))

    events.register_first(listing, promote)
    try:
        tell(execution)
    finally:
        events.unregister(listing, promote)
    (said,) = project.notifications()
    assert "Better." in said["Message"]


def test_a_run_that_is_the_champion_is_not_given_up(project: Project) -> None:
    project.configure(operations={"max_attempts": 1})
    execution = failed(project, error="ConvergenceFailed")
    run = project.run(execution)
    project.env.ledger.promote(execution, passed(run), "now")
    tell(execution)
    assert project.env.ledger.conclusion(run.dataset) == "promote"


def test_a_failed_convergence_counts_against_no_dataset(project: Project) -> None:
    project.configure(operations={"max_attempts": 1})
    project.drop("a.csv", reviews(10))
    tell(failed(project, **{"from": "Redeploy"}))
    assert project.env.ledger.runs() == []


def test_a_convergence_that_the_accounts_quota_stopped_counts_against_no_dataset(project: Project) -> None:
    project.configure(operations={"max_attempts": 1})
    execution = failed(project, error="ConvergenceFailed", cause='AccountLimitReached: {"errorMessage": "10 in all"}')
    run = project.run(execution)
    tell(execution)
    found = project.env.ledger.run(run.run)
    assert found is not None
    assert (found.verdict, found.postponed) == (None, "AccountLimitReached: 10 in all")
    assert list(started(project)) == [successor(project, execution)]
    assert "Service Quotas" in project.notifications()[0]["Message"]


def test_a_run_that_release_postponed_is_told_and_not_started_again(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    execution = project.start("fail", error="RolledBack", cause='AccountLimitReached: {"errorMessage": "10 in all"}')
    dataset = current_dataset(project.env, current_sources(project.env))
    project.run(execution, dataset=dataset, postponed="AccountLimitReached: 10 in all")
    tell(execution)
    assert started(project) == {}
    (told,) = project.notifications()
    assert "the next sweep" in told["Message"]


# ---- a person's order ------------------------------------------------------------------------


def ordered(project: Project) -> Order:
    order = Order("0000000000aa", "rollback", "111111111111", 2, "arn:ann", "answers are wrong", "then")
    project.env.ledger.orders.give(order)
    return order


def test_an_order_that_an_execution_did_not_come_to_is_tried_again_and_then_given_up(project: Project) -> None:
    project.configure(operations={"max_attempts": 2})
    project.drop("a.csv", reviews(40))
    order = ordered(project)
    for _ in range(2):
        assert project.env.ledger.orders.open() == [order]
        execution = failed(project, **{"from": "Redeploy", "run": order.order})
        tell(execution)
        project.env.ledger.release(str(project.env.ledger.claimed_by()))
    ended = project.env.ledger.require_run(order.order)
    assert (ended.verdict, ended.sentence) == ("gave-up", "Given up: 2 attempts failed. no disk")
    assert project.env.ledger.orders.open() == []
    landed = current_dataset(project.env, current_sources(project.env))
    assert project.env.ledger.conclusion(landed) is None, "nothing was found about what landed"
    messages = [told["Message"] for told in project.notifications()]
    assert len(messages) == 2
    assert all(message.startswith(f"Run {order.order} of {project.name} failed: no disk") for message in messages)


def test_an_order_whose_execution_a_person_stopped_stays_open(project: Project) -> None:
    order = ordered(project)
    execution = project.start(**{"from": "Redeploy", "run": order.order})
    project.env.ledger.claim(execution, "then")
    project.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: project.status(execution) == "ABORTED")
    tell(execution)
    assert project.env.ledger.orders.open() == [order]
    assert str(project.env.ledger.claimed_by()).endswith(f":{successor(project, execution)}")


def test_what_could_not_go_live_by_an_order_is_told_with_what_can_be_done(project: Project) -> None:
    order = ordered(project)
    execution = failed(
        project, error="RolledBack", cause="VerifyFailed: 3 rows differ", **{"from": "Redeploy", "run": order.order}
    )
    project.run(execution, run=order.order, makes_live=order.model, verdict="gave-up", sentence="VerifyFailed")
    tell(execution)
    (told,) = project.notifications()
    assert "What can be gone back to: mlops rollback --list" in told["Message"]
