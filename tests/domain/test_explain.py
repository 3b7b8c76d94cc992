"""A failure in plain words: what, which run, why, and what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.explain import explain_end, explain_failure, explain_rejected, hopeless, of_the_account, reason
from domain.printable import printable
from domain.state import Run
from domain.training_failures import DECIDED
from tests.hostile import HOSTILE, effects

RUN = Run(
    run="0123456789ab",
    dataset="d0",
    epoch=1,
    execution="arn:1",
    reason="a file came",
    started="2026-11-25T00:00:00+00:00",
    verdict="promote",
    sentence="Promoted: better.",
)
ASKED: dict[str, Any] = {
    "project": "shop",
    "status": "FAILED",
    "error": "",
    "cause": "",
    "execution": "arn:1",
    "run": RUN,
    "gave_up": "",
    "lost": False,
    "live": True,
    "not_announced": False,
}
QUOTA = (
    "The account-level service limit 'ml.g4dn.xlarge for spot training job usage' is 0 Instances, with current "
    "utilization of 0 Instances and a request delta of 1 Instances."
)
CONCURRENCY = (
    "The account-level service limit 'Maximum total concurrency that can be allocated across all serverless endpoints' "
    "is 10, with current utilization of 8 and a request delta of 4."
)


def explain(**given: Any) -> tuple[str, str]:
    return explain_failure(**{**ASKED, **given})


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ('{"errorMessage": "no rows", "errorType": "X", "stackTrace": []}', "no rows"),
        ('{"FailureReason": "AlgorithmError: exit 1", "TrainingJobName": "j"}', "AlgorithmError: exit 1"),
        ("plain words", "plain words"),
        ('{"other": 1}', '{"other": 1}'),
        ('VerifyFailed: {"errorMessage": "1 row differs", "stackTrace": []}', "VerifyFailed: 1 row differs"),
        ('VerifyFailed: {"errorMessage": "it said \\"no\\"", "stackTra', 'VerifyFailed: it said "no"'),
        ("EndpointNotReady: The endpoint is still Updating", "EndpointNotReady: The endpoint is still Updating"),
        ("[1]", "[1]"),
        ("", ""),
    ],
)
def test_the_sentence_inside_a_cause_is_found(cause: str, sentence: str) -> None:
    assert reason(cause) == sentence


@pytest.mark.parametrize(
    ("status", "what"), [("FAILED", "failed"), ("ABORTED", "was stopped"), ("TIMED_OUT", "ran out of time")]
)
def test_it_says_what_happened_to_which_run_and_why(status: str, what: str) -> None:
    subject, message = explain(status=status, cause=json.dumps({"errorMessage": "no disk"}))
    assert subject == f"shop: run 0123456789ab {what}"
    assert message.splitlines() == [f"Run 0123456789ab of shop {what}: no disk", "Execution: arn:1"]


def test_without_a_run_or_a_reason_it_says_so() -> None:
    subject, message = explain(run=None)
    assert subject == "shop: an execution failed"
    assert message.startswith("An execution of shop failed: no reason was given")


def test_an_error_without_a_cause_is_the_reason() -> None:
    assert "failed: States.Timeout" in explain(error="States.Timeout")[1]


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"error": "EpochChanged", "cause": "c"}, "raise data.epoch"),
        ({"error": "RolledBack", "cause": "c"}, "The previous model answers as before"),
        ({"error": "RolledBack", "cause": "c", "live": False}, "the endpoint was removed"),
        ({"error": "ModelUnreadable", "cause": "c"}, "mlops retrain"),
        ({"error": "ConvergenceFailed", "cause": "c"}, "may not serve the promoted model"),
        ({"error": "SageMaker.ResourceLimitExceededException"}, "the limit that is named above under Service Quotas"),
        (
            {"error": "SageMaker.ResourceLimitExceededException", "cause": QUOTA},
            "Ask for more of 'ml.g4dn.xlarge for spot training job usage' under Service Quotas, Amazon SageMaker",
        ),
        ({"error": "States.TaskFailed", "cause": "ResourceLimitExceeded: 0"}, "Service Quotas"),
        (
            {"error": "RolledBack", "cause": f"AccountLimitReached: {CONCURRENCY}"},
            "Ask for more of 'Maximum total concurrency that can be allocated across all serverless endpoints' "
            "(L-96300102) under Service Quotas, Amazon SageMaker, or lower serving.max_concurrency",
        ),
        (
            {"error": "RolledBack", "cause": f"AccountLimitReached: {CONCURRENCY}"},
            "The previous model answers as before",
        ),
        ({"error": "RolledBack", "cause": f"AccountLimitReached: {CONCURRENCY}"}, "the next sweep"),
        (
            {"error": "RolledBack", "cause": "AccountLimitReached: limit of 50"},
            "Most often it is the total concurrency",
        ),
        ({"error": "NotRegistered", "cause": "c"}, "nobody can approve"),
        ({"gave_up": "3 attempts failed"}, "It is not tried again by itself (3 attempts failed)."),
        ({"lost": True}, "could not be brought back"),
    ],
)
def test_it_says_what_to_do(given: dict[str, Any], advice: str) -> None:
    assert advice in explain(**given)[1]


def test_the_reason_stands_before_the_advice() -> None:
    message = explain(error="EpochChanged", cause="data.label changed")[1]
    assert message.index("data.label changed") < message.index("raise data.epoch") < message.index("Execution:")


def test_what_could_not_be_announced_is_told_here() -> None:
    subject, message = explain(error="NotAnnounced", cause="ThrottledException: Rate exceeded", not_announced=True)
    assert subject == "shop: run 0123456789ab could not tell how it ended"
    assert "could not tell how it ended: ThrottledException: Rate exceeded" in message
    assert explain_end(RUN) in message


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("wrap", ["{}", '{{"errorMessage": {}}}', "VerifyFailed: {}"])
def test_what_data_says_is_one_line_without_effect(wrap: str, text: str) -> None:
    run = replace(RUN, sentence=text, reason=text)
    cause = wrap.format(json.dumps(text) if "errorMessage" in wrap else text)
    plain = explain(run=replace(RUN, sentence="s", reason="r"), cause="c", gave_up="g", not_announced=True)[1]
    for error in ("", "NotAnnounced", text):
        message = explain(run=run, cause=cause, gave_up=text, error=error, not_announced=True)[1]
        assert effects(message) == []
        assert printable(text) in message
        assert message.count("\n") <= plain.count("\n")
    assert effects(explain_end(run)) == []
    assert explain_end(run).splitlines()[0] == printable(text)


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_in_a_mail_has_no_effect(text: str) -> None:
    run = replace(RUN, sentence=text, reason=text, verdict="awaiting-approval")
    assert effects(explain_end(run)) == []
    assert effects("".join(explain(run=run, cause=text, error=text, gave_up=text, not_announced=True))) == []


def test_more_data_than_one_invocation_derives_is_gone_on_with() -> None:
    cause = json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 900.00 seconds"})
    said = explain(error="Sandbox.Timedout", cause=cause)[1]
    assert "Task timed out after 900.00 seconds" in said
    assert "what it derived is kept, and mlops retrain goes on from there" in said


@pytest.mark.parametrize(
    ("error", "cause", "why"),
    [
        ("SageMaker.ResourceLimitExceededException", QUOTA, "the account's quota is 0"),
        ("SageMaker.ResourceLimitExceededException", QUOTA.replace("is 0", "is 1", 1), None),
        ("States.TaskFailed", QUOTA, None),
    ],
)
def test_only_a_quota_of_0_leaves_no_attempt_a_chance(error: str, cause: str, why: str) -> None:
    assert hopeless(error, cause) == why


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        *(
            (f"AlgorithmError: {error.__name__}: so it is, exit code: 1", "another attempt would end the same")
            for error in DECIDED
        ),
        # The hub may answer the next time, and a bug or a lack of memory of any kind is not known to be one of these.
        ("AlgorithmError: HubUnreachable: no answer, exit code: 1", None),
        ("AlgorithmError: ExecuteUserScriptError: NoTrainingRows: it said, exit code: 1", None),
        ("AlgorithmError: RuntimeError: AlgorithmError: NoTrainingRows: quoted, exit code: 1", None),
        ("InternalServerError: We encountered an internal error. Please try again.", None),
        ("AlgorithmError: , exit code: 137", None),
    ],
)
def test_what_data_or_settings_decide_is_paid_for_once(failure: str, why: str) -> None:
    described = {"CreationTime": 1, "FailureReason": failure, "HyperParameters": {"epochs": "3"}}
    assert hopeless("States.TaskFailed", json.dumps(described)) == why
    assert hopeless("States.TaskFailed", json.dumps(described)[:-20]) == why, "its end may be cut off"


def test_a_quota_of_a_deployment_does_not_ask_for_a_retraining() -> None:
    assert "mlops retrain" not in explain(error="RolledBack", cause=f"AccountLimitReached: {CONCURRENCY}")[1]


@pytest.mark.parametrize(
    ("error", "cause", "of_it"),
    [
        ("AccountLimitReached", "", True),
        ("RolledBack", "AccountLimitReached: {}", True),
        ("ConvergenceFailed", "AccountLimitReached: {}", True),
        ("RolledBack", "VerifyFailed: it said AccountLimitReached", False),
        ("SageMaker.ResourceLimitExceededException", QUOTA, False),
    ],
)
def test_whose_failure_it_is(error: str, cause: str, of_it: bool) -> None:
    assert of_the_account(error, cause) is of_it


def test_a_version_that_the_registry_did_not_take_is_said_with_the_end() -> None:
    assert "registry" not in explain_end(RUN)
    said = explain_end(replace(RUN, unregistered="AccessDenied: ecr:DescribeImages"))
    assert "The model registry did not take its version: AccessDenied: ecr:DescribeImages" in said


def test_a_thousand_rejected_files_fit_a_notification() -> None:
    subject, message = explain_rejected("shop", [(f"landing/{'x' * 1000}{n}", "w" * 100_000) for n in range(1000)])
    assert subject == "shop: 1,000 files were rejected"
    assert len(message) < 256 * 1024
    assert "And 990 more" in message
    assert explain_rejected("shop", [("landing/a.csv", "no column")]) == (
        "shop: a file was rejected",
        "landing/a.csv was not used: no column\nMend it and drop it again; nothing else is needed.",
    )
