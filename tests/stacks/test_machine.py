"""Every branch of the pipeline's machine but those of training, executed from the synthesized template."""

from __future__ import annotations

from typing import Any

import pytest

from domain.messages import (
    ClaimStep,
    DeployStep,
    EvaluateStep,
    PrepareStep,
    ReleaseStep,
    RunStep,
    SettleStep,
    VerifyStep,
)
from tests.stacks.machine import ServiceError
from tests.stacks.story import (
    ARTIFACT,
    CONVERGENCE,
    DEPLOYED,
    ENDING,
    HAPPY,
    JOB,
    JUDGED,
    LOOKED,
    PREPARED,
    REHEARSED,
    RUN,
    run,
)
from tests.stacks.synth import PROJECT, Synthesized


def test_a_drop_that_passes_goes_live(aws: Synthesized) -> None:
    done = run(aws)
    assert done.states == [*JUDGED, *DEPLOYED, *ENDING]
    assert done.output == {"outcome": "done", "run": RUN, "verdict": "promote", "started": None}


def test_each_step_is_told_what_its_message_wants(aws: Synthesized) -> None:
    asked = run(aws).asked
    told = {name: messages[0] for name, messages in asked.items()}
    for name, message in (
        ("claim", ClaimStep), ("settle", SettleStep), ("prepare", PrepareStep), ("screen", RunStep),
        ("evaluate", EvaluateStep), ("redeploy", DeployStep), ("verify", VerifyStep), ("promote", RunStep),
        ("announce", RunStep), ("release", ReleaseStep),
    ):  # fmt: skip
        assert message.model_validate(told[name]).execution.startswith("arn:aws:states:")
    assert told["claim"] | {"execution": ""} == {"execution": "", "started": {"reason": "drop", "from": "Settle"}}
    assert told["evaluate"] | {"execution": ""} == {"execution": "", "run": RUN, "job": JOB, "artifact": ARTIFACT}
    assert told["redeploy"]["target"] == "candidate"
    assert [(one["stage"], one["target"]) for one in asked["redeploy"]] == [
        ("rehearsal", "candidate"),
        ("live", "candidate"),
    ]
    assert [(one["stage"], one["config"]) for one in asked["verify"]] == [
        ("rehearsal", "config-r"),
        ("live", "config-1"),
    ]
    assert [one["EndpointName"] for one in asked["describeEndpoint"]] == [f"{PROJECT}-rehearsal", PROJECT]
    assert told["promote"]["run"] == told["announce"]["run"] == RUN
    assert told["release"]["failed"] is None


def test_it_may_be_started_without_a_message(aws: Synthesized) -> None:
    done = run(aws, message={})
    assert done.status == "SUCCEEDED"
    assert done.asked["claim"][0]["started"] == {}
    assert done.asked["prepare"][0]["reason"] == "unknown"


def test_an_input_that_is_no_message_ends_before_anything_is_done(aws: Synthesized) -> None:
    refused = ServiceError("WrongEvent", "this is no ClaimStep: started.from: Input should be 'Settle' or 'Redeploy'")
    done = run(aws, message={"from": "Promote"}, claim=[refused])
    assert (done.status, done.error, done.states) == ("FAILED", "WrongEvent", ["Claim"])
    assert list(done.asked) == ["claim"]
    assert len(done.asked["claim"]) == 1, "it would mean no more if it were asked again"


def test_a_champion_of_an_earlier_release_is_sealed_on_the_way(aws: Synthesized) -> None:
    unsealed = ServiceError("NotSealed", "promoted by an earlier release")
    served = {"endpoint": PROJECT, "config": "config-0"}
    done = run(aws, message={"reason": "deploy", "from": "Redeploy"}, redeploy=[unsealed, served], adopt=[{}])
    assert done.states == ["Claim", "Claimed", "Redeploy", "Adopt", *CONVERGENCE, "Release", "Released", "Done"]
    assert list(done.asked["adopt"][0]) == ["execution"]
    gone = ServiceError("ModelUnreadable", "it is not there (404)")
    failed = run(aws, message={"reason": "deploy", "from": "Redeploy"}, redeploy=[unsealed], adopt=[gone])
    assert (failed.error, failed.cause) == ("ConvergenceFailed", "ModelUnreadable: it is not there (404)")


def test_a_run_that_nobody_approved_ends_in_a_refusal_with_a_name(aws: Synthesized) -> None:
    nobody = ServiceError("NotApproved", "nobody has approved run 0123456789ab")
    done = run(aws, message={"from": "Redeploy", "run": RUN}, redeploy=[nobody, BACK])
    assert (done.status, done.error) == ("FAILED", "RolledBack")
    assert done.cause == "NotApproved: nobody has approved run 0123456789ab"
    assert [(one["target"], one["stage"]) for one in done.asked["redeploy"]] == [
        ("candidate", "rehearsal"),
        ("champion", "live"),
    ]
    assert "promote" not in done.asked


def test_while_another_runs_it_coalesces(aws: Synthesized) -> None:
    done = run(aws, claim=[{"outcome": "coalesced"}])
    assert done.states == ["Claim", "Claimed", "Coalesced"]
    assert done.output == {"outcome": "coalesced"}


def test_it_waits_until_landing_is_quiet(aws: Synthesized) -> None:
    done = run(aws, settle=[{"wait_seconds": 9}, {"wait_seconds": 3}, {"wait_seconds": 0}])
    assert done.states.count("WaitForQuiet") == 2
    assert done.status == "SUCCEEDED"


def test_nothing_new_releases_and_ends(aws: Synthesized) -> None:
    done = run(aws, prepare=[{**PREPARED, "outcome": "nothing_new", "run": None, "job": None}])
    assert done.states[4:] == ["Prepare", "Prepared", "Release", "Released", "NothingNew"]
    assert done.output == {"outcome": "nothing_new"}


def test_refused_data_is_announced_and_costs_no_training(aws: Synthesized) -> None:
    done = run(aws, prepare=[{**PREPARED, "outcome": "refused"}])
    assert done.states[4:] == ["Prepare", "Prepared", *ENDING]
    assert done.output["verdict"] == "refused"


def test_a_finished_job_of_the_same_run_is_judged_without_training(aws: Synthesized) -> None:
    done = run(aws, prepare=[{**PREPARED, "outcome": "evaluate", "artifact": ARTIFACT}])
    assert "Train" not in done.states
    assert done.asked["evaluate"][0]["artifact"] == ARTIFACT
    assert done.output["verdict"] == "promote"


@pytest.mark.parametrize("verdict", ["keep", "reject"])
def test_a_model_that_does_not_pass_changes_nothing_live(aws: Synthesized, verdict: str) -> None:
    done = run(aws, evaluate=[{"verdict": verdict}])
    assert done.states == [*JUDGED, "Reject", *ENDING]
    assert done.output["verdict"] == verdict


def test_a_recovered_claim_converges_before_anything_else(aws: Synthesized) -> None:
    done = run(aws, claim=[{"outcome": "recover"}])
    assert done.states == ["Claim", "Claimed", *CONVERGENCE, "Release", "Released", "Done"]
    assert (done.asked["redeploy"][0]["target"], done.asked["redeploy"][0]["stage"]) == ("champion", "live")


def test_redeploy_alone_converges_on_the_champion(aws: Synthesized) -> None:
    done = run(aws, message={"reason": "deploy", "from": "Redeploy"})
    assert done.states == ["Claim", "Claimed", *CONVERGENCE, "Release", "Released", "Done"]


def test_without_a_champion_no_endpoint_is_the_goal(aws: Synthesized) -> None:
    gone = ServiceError("SageMaker.SageMakerException", 'Could not find endpoint "automate-mlops".')
    done = run(
        aws,
        message={"reason": "deploy", "from": "Redeploy"},
        redeploy=[{"endpoint": PROJECT, "config": None}],
        describeEndpoint=[gone],
    )
    assert done.states == ["Claim", "Claimed", *CONVERGENCE, "Release", "Released", "Done"]
    assert done.asked["verify"][0]["config"] is None


def test_an_endpoint_not_found_right_after_its_creation_is_waited_for(aws: Synthesized) -> None:
    gone = ServiceError("SageMaker.SageMakerException", "Could not find endpoint")
    done = run(aws, describeEndpoint=[gone, gone, {"EndpointStatus": "Creating"}, {"EndpointStatus": "InService"}])
    assert done.states.count("Await") == 5
    assert done.output["verdict"] == "promote"


BACK = {"endpoint": PROJECT, "config": "config-0"}
DIFFERS = ServiceError("VerifyFailed", "golden row 3 differs")
FAULTS: dict[str, tuple[str, dict[str, list[Any]]]] = {
    "redeploy": ("redeploy", {"redeploy": [ServiceError("ResourceLimitExceeded", "none"), BACK]}),
    "rehearsal": ("verify", {"redeploy": [REHEARSED, BACK], "verify": [DIFFERS, {}]}),
    "verify": ("verify", {"redeploy": [*HAPPY["redeploy"], BACK], "verify": [{}, DIFFERS, {}]}),
    "promote": ("promote", {"promote": [ServiceError("ValidationException", "denied")]}),
}


@pytest.mark.parametrize("at", FAULTS)
def test_a_failure_before_the_champion_moved_rolls_back(aws: Synthesized, at: str) -> None:
    step, answers = FAULTS[at]
    done = run(aws, **answers)
    assert done.status == "FAILED"
    assert done.error == "RolledBack"
    assert (done.asked["redeploy"][-1]["target"], done.asked["redeploy"][-1]["stage"]) == ("champion", "live")
    assert done.states[-4:] == ["Verified", "Release", "Released", "RolledBack"]
    assert "Announce" not in done.states
    failure = next(answer for answer in answers[step] if isinstance(answer, ServiceError))
    assert done.asked["release"][0]["failed"] == {"error": failure.error, "cause": failure.cause}
    assert done.cause == f"{failure.error}: {failure.cause}"


def test_what_fails_in_rehearsal_never_touches_the_live_endpoint(aws: Synthesized) -> None:
    done = run(aws, **FAULTS["rehearsal"][1])
    stages = [(message["target"], message["stage"]) for message in done.asked["redeploy"]]
    assert stages == [("candidate", "rehearsal"), ("champion", "live")]


def test_an_endpoint_that_never_comes_to_rest_rolls_back(aws: Synthesized) -> None:
    done = run(aws, describeEndpoint=[{"EndpointStatus": "Updating"}] * 65 + [{"EndpointStatus": "InService"}])
    assert done.error == "RolledBack"
    assert done.cause == "EndpointNotReady: The endpoint is still Updating"


def test_a_champion_that_cannot_be_served_fails_for_reconcile(aws: Synthesized) -> None:
    done = run(aws, verify=[ServiceError("VerifyFailed", "wrong config")])
    assert done.states[-1] == "ConvergenceFailed"
    assert done.error == "ConvergenceFailed"
    assert done.cause == "VerifyFailed: wrong config"
    assert "Release" not in done.states


def test_what_passes_may_wait_for_a_person(aws: Synthesized) -> None:
    done = run(aws, evaluate=[{"verdict": "awaiting-approval"}])
    assert done.states == [*JUDGED, *ENDING]
    assert done.output["verdict"] == "awaiting-approval"


def test_an_approved_run_goes_live(aws: Synthesized) -> None:
    message = {"reason": "approved", "from": "Redeploy", "run": RUN}
    done = run(aws, message=message)
    assert done.states == ["Claim", "Claimed", *DEPLOYED, *ENDING]
    assert (done.asked["redeploy"][0]["target"], done.asked["redeploy"][0]["run"]) == ("candidate", RUN)
    assert done.asked["announce"][0] | {"execution": ""} == {"execution": "", "run": RUN}
    assert done.output["verdict"] == "promote"
    taken_over = run(aws, message=message, claim=[{"outcome": "recover"}])
    assert taken_over.asked["redeploy"][0]["target"] == "champion", "first things first"
    late = ServiceError("ApprovedTooLate", "another has been promoted since")
    refused = run(aws, message=message, redeploy=[late, BACK])
    assert refused.error == "RolledBack"
    assert refused.asked["release"][0]["failed"]["error"] == "ApprovedTooLate"


def test_what_is_screened_out_is_announced_and_not_trained(aws: Synthesized) -> None:
    done = run(aws, screen=[{"outcome": "held"}])
    assert done.states == [*LOOKED, *ENDING]
    assert done.output["verdict"] == "screened"
    assert "createTrainingJob.sync" not in done.asked


@pytest.mark.parametrize(
    "step", ["settle", "prepare", "screen", "evaluate", "redeploy", "verify", "promote", "release"]
)
def test_a_run_that_lost_its_claim_touches_nothing_more(aws: Synthesized, step: str) -> None:
    done = run(aws, **{step: [ServiceError("Superseded", "taken over")]})
    assert done.status == "SUCCEEDED"
    assert done.states[-1] == "Superseded"
    assert done.output == {"outcome": "superseded"}
    assert len(done.asked[step]) == 1


@pytest.mark.parametrize("step", ["prepare", "screen", "createTrainingJob_sync", "evaluate"])
def test_a_failure_before_redeploy_is_left_to_reconcile(aws: Synthesized, step: str) -> None:
    done = run(aws, **{step: [ServiceError("States.TaskFailed", "broken")]})
    assert (done.status, done.error) == ("FAILED", "States.TaskFailed")
    assert not {"Redeploy", "Release", "Reject"} & set(done.states)


def test_an_announcement_that_fails_undoes_nothing_and_is_told_by_reconcile(aws: Synthesized) -> None:
    done = run(aws, announce=[ServiceError("RuntimeError", "no mail")])
    assert len(done.asked["announce"]) == 4
    assert "RollBack" not in done.states
    assert done.asked["release"][0]["failed"] is None
    assert done.states[-3:] == ["Release", "Released", "NotAnnounced"]
    assert (done.status, done.error, done.cause) == ("FAILED", "NotAnnounced", "RuntimeError: no mail")


@pytest.mark.parametrize(
    ("step", "error", "asked"),
    [
        ("prepare", "JobStillStopping", 41),
        ("redeploy", "EndpointBusy", 121),
        ("redeploy", "AccountLimitReached", 31),
        ("claim", "NotYetAllowed", 11),
        ("redeploy", "NotYetAllowed", 11),
        ("announce", "NotYetAllowed", 11),
        ("claim", "Lambda.AWSLambdaException", 11),
    ],
)
def test_what_is_not_yet_possible_is_asked_again(aws: Synthesized, step: str, error: str, asked: int) -> None:
    patient = run(aws, **{step: [ServiceError(error)] * (asked - 1) + HAPPY[step]})
    assert patient.output["verdict"] == "promote"
    assert len(patient.asked[step]) == asked - 1 + len(HAPPY[step])


def test_the_accounts_quota_is_waited_for_and_then_rolled_back_and_released_as_such(aws: Synthesized) -> None:
    limited = ServiceError("AccountLimitReached", "10 in all")
    done = run(aws, redeploy=[limited] * 31 + [BACK])
    assert (done.error, done.cause) == ("RolledBack", "AccountLimitReached: 10 in all")
    (told,) = done.asked["release"]
    assert told["failed"] == {"error": "AccountLimitReached", "cause": "10 in all"}
    assert told["reason"] == "drop", "which says whether it comes of a sweep"
    # Half an hour at most, and never at once.
    waits = done.waits[:30]
    assert all(0 <= wait <= 60 for wait in waits)
    assert sum(waits) > 60


def test_an_aws_service_in_trouble_is_asked_again(aws: Synthesized) -> None:
    steps = ("claim", "settle", "prepare", "screen", "evaluate", "redeploy", "verify", "promote", "announce", "release")
    throttled = ServiceError("ClientError", "Rate exceeded")
    done = run(aws, **{step: [throttled, throttled, *HAPPY[step]] for step in steps})
    assert done.states == [*JUDGED, *DEPLOYED, *ENDING]
    assert all(len(done.asked[step]) == 2 + done.states.count(step.capitalize()) for step in steps)


@pytest.mark.parametrize("error", ["Lambda.TooManyRequestsException", "Runtime.ExitError", "Sandbox.Timedout"])
def test_trouble_of_the_service_or_a_function_that_died_is_asked_again(aws: Synthesized, error: str) -> None:
    done = run(aws, claim=[ServiceError(error)] * 5 + HAPPY["claim"])
    assert done.output["verdict"] == "promote"


def test_an_answer_that_is_lost_is_asked_for_once_more(aws: Synthesized) -> None:
    lost = ServiceError("States.Timeout")
    assert run(aws, promote=[lost, {}]).output["verdict"] == "promote"
    assert run(aws, promote=[lost]).error == "RolledBack"
