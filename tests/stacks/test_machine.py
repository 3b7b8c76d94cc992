"""Every branch of the pipeline's machine, executed from the synthesized template."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.api import lint_all

from domain.messages import (
    AnnounceStep,
    ClaimStep,
    DeployStep,
    EvaluateStep,
    ReleaseStep,
    RunStep,
    SettleStep,
    VerifyStep,
)
from stacks.build import context
from tests.stacks.conftest import check_snapshot
from tests.stacks.machine import Execution, Failed, execute
from tests.stacks.synth import PROJECT, Synthesized

DROP = {"reason": "drop", "from": "Settle"}
RUN = "0123456789ab"
JOB = f"{PROJECT}-{RUN}-1"
ARTIFACT = f"s3://bucket/models/{JOB}/output/model.tar.gz"
PREPARED = {
    "outcome": "train", "run": RUN, "dataset": "d", "job": JOB, "hyperparameters": {"epochs": "1"},
    "train_manifest": "s3://b/train.manifest", "validation_manifest": "s3://b/validation.manifest",
    "dataset_manifest": "s3://b/dataset.manifest", "checkpoints": "s3://b/checkpoints/r/", "output": "s3://b/models/",
    "artifact": "",
}  # fmt: skip
COMPLETED = {
    "TrainingJobName": JOB,
    "TrainingJobStatus": "Completed",
    "SecondaryStatus": "Completed",
    "ModelArtifacts": {"S3ModelArtifacts": ARTIFACT},
}
STOPPED = {**COMPLETED, "TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"}
HAPPY: dict[str, list[Any]] = {
    "claim": [{"outcome": "claimed"}],
    "settle": [{"wait_seconds": 0}],
    "prepare": [PREPARED],
    "createTrainingJob.sync": [COMPLETED],
    "evaluate": [{"verdict": "promote", "sentence": "better"}],
    "reject": [{}],
    "redeploy": [{"config": "config-1", "outcome": "updating"}],
    "describeEndpoint": [{"EndpointStatus": "InService"}],
    "verify": [{"outcome": "ok"}],
    "promote": [{}],
    "announce": [{}],
    "release": [{"started": None}],
}
CONVERGENCE = ["Redeploy", "Await", "LookAtEndpoint", "Converged", "Verify", "Verified"]
ENDING = ["Announce", "Release", "Released", "Done"]
JUDGED = ["Claim", "Claimed", "Settle", "Quiet", "Prepare", "Prepared", "Train", "Trained", "Evaluate", "Judged"]


def run(aws: Synthesized, message: dict[str, Any] = DROP, **answers: list[Any]) -> Execution:
    named = {name.replace("_sync", ".sync"): value for name, value in answers.items()}
    return execute(aws.definition(), message, {**HAPPY, **named})


def test_a_drop_that_passes_goes_live(aws: Synthesized) -> None:
    done = run(aws)
    assert done.states == [*JUDGED, *CONVERGENCE, "Promote", *ENDING]
    assert done.output == {"outcome": "done", "run": RUN, "verdict": "promote", "started": None}
    # Design section 8: a run costs at most 30 transitions outside Settle and Await.
    assert len(done.states) <= 30


def test_each_step_is_told_what_its_message_wants(aws: Synthesized) -> None:
    asked = run(aws).asked
    told = {name: messages[0] for name, messages in asked.items()}
    for name, message in (
        ("claim", ClaimStep), ("settle", SettleStep), ("prepare", ClaimStep), ("evaluate", EvaluateStep),
        ("redeploy", DeployStep), ("verify", VerifyStep), ("promote", RunStep), ("announce", AnnounceStep),
        ("release", ReleaseStep),
    ):  # fmt: skip
        assert message.model_validate(told[name]).execution.startswith("arn:aws:states:")
    assert told["claim"] | {"execution": ""} == {"execution": "", "reason": "drop", "from": "Settle"}
    assert told["evaluate"] | {"execution": ""} == {"execution": "", "run": RUN, "job": JOB, "artifact": ARTIFACT}
    assert told["redeploy"]["target"] == "candidate"
    assert told["verify"]["config"] == told["promote"]["config"] == "config-1"
    assert told["announce"]["verdict"] == "promote"
    assert told["release"]["failed"] is None


def test_it_may_be_started_without_a_message(aws: Synthesized) -> None:
    done = run(aws, message={})
    assert done.status == "SUCCEEDED"
    assert done.asked["claim"][0]["reason"] == "unknown"


def test_while_another_runs_it_coalesces(aws: Synthesized) -> None:
    done = run(aws, claim=[{"outcome": "coalesced"}])
    assert done.states == ["Claim", "Claimed", "Coalesced"]
    assert done.output == {"outcome": "coalesced"}


def test_it_waits_until_landing_is_quiet(aws: Synthesized) -> None:
    done = run(aws, settle=[{"wait_seconds": 9}, {"wait_seconds": 3}, {"wait_seconds": 0}])
    assert done.states.count("WaitForQuiet") == 2
    assert done.status == "SUCCEEDED"


def test_nothing_new_releases_and_ends(aws: Synthesized) -> None:
    done = run(aws, prepare=[{**PREPARED, "outcome": "nothing_new", "run": "", "job": ""}])
    assert done.states[4:] == ["Prepare", "Prepared", "Release", "Released", "NothingNew"]
    assert done.output == {"outcome": "nothing_new"}


def test_refused_data_is_announced_and_costs_no_training(aws: Synthesized) -> None:
    done = run(aws, prepare=[{**PREPARED, "outcome": "refused"}])
    assert done.states[4:] == ["Prepare", "Prepared", *ENDING]
    assert done.asked["announce"][0]["verdict"] == "refused"


def test_a_finished_job_of_the_same_run_is_judged_without_training(aws: Synthesized) -> None:
    done = run(aws, prepare=[{**PREPARED, "outcome": "evaluate", "artifact": ARTIFACT}])
    assert "Train" not in done.states
    assert done.asked["evaluate"][0]["artifact"] == ARTIFACT
    assert done.output["verdict"] == "promote"


@pytest.mark.parametrize("verdict", ["keep", "reject"])
def test_a_model_that_does_not_pass_changes_nothing_live(aws: Synthesized, verdict: str) -> None:
    done = run(aws, evaluate=[{"verdict": verdict, "sentence": "worse"}])
    assert done.states == [*JUDGED, "Reject", *ENDING]
    assert done.output["verdict"] == verdict


def test_a_recovered_claim_converges_before_anything_else(aws: Synthesized) -> None:
    done = run(aws, claim=[{"outcome": "recover"}])
    assert done.states == ["Claim", "Claimed", *CONVERGENCE, "Release", "Released", "Done"]
    assert done.asked["redeploy"][0]["target"] == "champion"


def test_redeploy_alone_converges_on_the_champion(aws: Synthesized) -> None:
    done = run(aws, message={"reason": "deploy", "from": "Redeploy"})
    assert done.states == ["Claim", "Claimed", *CONVERGENCE, "Release", "Released", "Done"]


def test_without_a_champion_no_endpoint_is_the_goal(aws: Synthesized) -> None:
    gone = Failed("SageMaker.SageMakerException", 'Could not find endpoint "automate-mlops".')
    done = run(
        aws,
        message={"reason": "deploy", "from": "Redeploy"},
        redeploy=[{"config": None, "outcome": "removed"}],
        describeEndpoint=[gone],
    )
    assert done.states == ["Claim", "Claimed", *CONVERGENCE, "Release", "Released", "Done"]
    assert done.asked["verify"][0]["config"] is None


def test_an_endpoint_not_found_right_after_its_creation_is_waited_for(aws: Synthesized) -> None:
    gone = Failed("SageMaker.SageMakerException", "Could not find endpoint")
    done = run(aws, describeEndpoint=[gone, gone, {"EndpointStatus": "Creating"}, {"EndpointStatus": "InService"}])
    assert done.states.count("Await") == 4
    assert done.output["verdict"] == "promote"


FAULTS: dict[str, dict[str, list[Any]]] = {
    "redeploy": {"redeploy": [Failed("ClientError", "no capacity"), {"config": "config-0", "outcome": "updating"}]},
    "verify": {"verify": [Failed("VerifyFailed", "golden row 3 differs"), {"outcome": "ok"}]},
    "promote": {"promote": [Failed("ClientError", "denied")]},
}


@pytest.mark.parametrize("at", FAULTS)
def test_a_failure_before_the_champion_moved_rolls_back(aws: Synthesized, at: str) -> None:
    done = run(aws, **FAULTS[at])
    assert done.status == "FAILED"
    assert done.error == "RolledBack"
    assert [message["target"] for message in done.asked["redeploy"]] == ["candidate", "champion"]
    assert done.states[-4:] == ["Verified", "Release", "Released", "RolledBack"]
    assert "Announce" not in done.states
    failure = next(answer for answer in FAULTS[at][at] if isinstance(answer, Failed))
    assert done.asked["release"][0]["failed"] == {"error": failure.error, "cause": failure.cause}
    assert done.cause == f"{failure.error}: {failure.cause}"


def test_an_endpoint_that_never_comes_to_rest_rolls_back(aws: Synthesized) -> None:
    done = run(aws, describeEndpoint=[{"EndpointStatus": "Updating"}] * 65 + [{"EndpointStatus": "InService"}])
    assert done.error == "RolledBack"
    assert done.cause == "EndpointNotReady: The endpoint is still Updating"


def test_a_champion_that_cannot_be_served_fails_for_reconcile(aws: Synthesized) -> None:
    done = run(aws, verify=[Failed("VerifyFailed", "wrong config")])
    assert done.states[-1] == "ConvergenceFailed"
    assert done.error == "ConvergenceFailed"
    assert done.cause == "VerifyFailed: wrong config"
    assert "Release" not in done.states


@pytest.mark.parametrize(
    "step", ["settle", "prepare", "evaluate", "redeploy", "verify", "promote", "announce", "release"]
)
def test_a_run_that_lost_its_claim_touches_nothing_more(aws: Synthesized, step: str) -> None:
    done = run(aws, **{step: [Failed("Superseded", "taken over")]})
    assert done.status == "SUCCEEDED"
    assert done.states[-1] == "Superseded"
    assert done.output == {"outcome": "superseded"}
    assert len(done.asked[step]) == 1


@pytest.mark.parametrize("step", ["prepare", "createTrainingJob_sync", "evaluate"])
def test_a_failure_before_redeploy_is_left_to_reconcile(aws: Synthesized, step: str) -> None:
    done = run(aws, **{step: [Failed("States.TaskFailed", "broken")]})
    assert (done.status, done.error) == ("FAILED", "States.TaskFailed")
    assert not {"Redeploy", "Release", "Reject"} & set(done.states)


def test_a_job_that_was_stopped_is_no_model(aws: Synthesized) -> None:
    done = run(aws, createTrainingJob_sync=[STOPPED])
    assert (done.status, done.error) == ("FAILED", "TrainingNotCompleted")
    assert done.cause == f"Training job {JOB} ended Stopped: MaxWaitTimeExceeded"


def test_an_announcement_that_fails_undoes_nothing(aws: Synthesized) -> None:
    done = run(aws, announce=[Failed("RuntimeError", "no mail")])
    assert done.output["outcome"] == "done"
    assert len(done.asked["announce"]) == 4


@pytest.mark.parametrize(
    ("step", "error", "asked"), [("prepare", "JobStillStopping", 21), ("redeploy", "EndpointBusy", 61)]
)
def test_what_is_not_yet_possible_is_asked_again(aws: Synthesized, step: str, error: str, asked: int) -> None:
    patient = run(aws, **{step: [Failed(error)] * (asked - 1) + HAPPY[step]})
    assert patient.output["verdict"] == "promote"
    assert len(patient.asked[step]) == asked


def test_trouble_of_the_service_is_asked_again(aws: Synthesized) -> None:
    done = run(aws, claim=[Failed("Lambda.TooManyRequestsException")] * 5 + HAPPY["claim"])
    assert done.output["verdict"] == "promote"


def test_each_try_of_a_job_has_its_own_name(aws: Synthesized) -> None:
    throttled = Failed("SageMaker.AmazonSageMakerException", "Rate exceeded")
    done = run(aws, createTrainingJob_sync=[throttled, throttled, COMPLETED])
    names = [request["TrainingJobName"] for request in done.asked["createTrainingJob.sync"]]
    assert names == [JOB, f"{JOB}-r1", f"{JOB}-r2"]


def test_a_lack_of_quota_is_said_at_once(aws: Synthesized) -> None:
    done = run(aws, createTrainingJob_sync=[Failed("SageMaker.ResourceLimitExceededException", "quota is 0")])
    assert done.error == "SageMaker.ResourceLimitExceededException"
    assert len(done.asked["createTrainingJob.sync"]) == 1


@pytest.mark.parametrize(
    "lack",
    [
        pytest.param(Failed("States.TaskFailed", json.dumps(STOPPED)), id="failed-state"),
        pytest.param(STOPPED, id="described-as-stopped"),
        pytest.param(Failed("States.TaskFailed", '{"FailureReason": "CapacityError: none left"}'), id="capacity-error"),
    ],
)
def test_without_spot_capacity_it_trains_on_demand_under_the_cap(on_demand: Synthesized, lack: Any) -> None:
    done = run(on_demand, createTrainingJob_sync=[lack, COMPLETED])
    first, second = done.asked["createTrainingJob.sync"]
    assert (first["TrainingJobName"], second["TrainingJobName"]) == (JOB, f"{JOB}-od")
    assert (first["EnableManagedSpotTraining"], second["EnableManagedSpotTraining"]) == (True, False)
    assert "MaxWaitTimeInSeconds" in first["StoppingCondition"]
    assert "MaxWaitTimeInSeconds" not in second["StoppingCondition"]
    assert first["CheckpointConfig"] == second["CheckpointConfig"]
    assert done.output["verdict"] == "promote"


def test_on_demand_is_tried_once(on_demand: Synthesized) -> None:
    done = run(on_demand, createTrainingJob_sync=[Failed("States.TaskFailed", "CapacityError")])
    assert (done.status, done.error) == ("FAILED", "States.TaskFailed")
    assert len(done.asked["createTrainingJob.sync"]) == 2


def test_another_failure_of_training_is_not_bought_again(on_demand: Synthesized) -> None:
    done = run(on_demand, createTrainingJob_sync=[Failed("States.TaskFailed", "AlgorithmError: exit 1")])
    assert (done.error, done.cause) == ("States.TaskFailed", "AlgorithmError: exit 1")
    assert len(done.asked["createTrainingJob.sync"]) == 1


# ---- the definition itself --------------------------------------------------------


def test_the_definition_is_as_reviewed(aws: Synthesized) -> None:
    check_snapshot("definition.json", json.dumps(aws.definition(), indent=2, sort_keys=True) + "\n")


def test_every_state_can_be_reached(aws: Synthesized, on_demand: Synthesized) -> None:
    for definition in (aws.definition(), on_demand.definition()):
        states, reached, waiting = definition["States"], set(), [definition["StartAt"]]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += _next(states[name])
        assert reached == set(states)


def test_every_task_is_bounded_and_retried(aws: Synthesized, on_demand: Synthesized) -> None:
    for definition in (aws.definition(), on_demand.definition()):
        tasks = {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}
        assert len(tasks) == 12
        for name, task in tasks.items():
            assert 0 < task["TimeoutSeconds"] < definition["TimeoutSeconds"], name
            assert any(retry.get("JitterStrategy") == "FULL" for retry in task["Retry"]), name


def test_the_machine_outlasts_what_it_waits_for(aws: Synthesized, on_demand: Synthesized) -> None:
    training = context()["settings"]["training"]
    for definition, jobs in ((aws.definition(), 1), (on_demand.definition(), 2)):
        train = definition["States"]["Train"]["TimeoutSeconds"]
        assert train > training["max_wait_seconds"]
        assert definition["TimeoutSeconds"] > jobs * train + context()["settings"]["data"]["settle_max_seconds"]


def test_cfn_lint_accepts_the_definition(aws: Synthesized, on_demand: Synthesized) -> None:
    """Rule E3601 reads Amazon States Language, but not through CDK's Fn::Join: so the resolved copy is linted."""
    for synthesized in (aws, on_demand):
        properties = {"RoleArn": "arn:aws:iam::111122223333:role/r", "Definition": synthesized.definition()}
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}})
        assert [str(match) for match in lint_all(template) if match.rule.id[0] in "EW"] == []


def _next(state: dict[str, Any]) -> list[str]:
    rules = [*state.get("Choices", []), *state.get("Catch", [])]
    names = [state.get("Next"), state.get("Default"), *(rule["Next"] for rule in rules)]
    return [name for name in names if name]
