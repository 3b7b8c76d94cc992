"""Messages between states: what a step needs is checked, what else comes is let through."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import BaseModel

from domain.errors import WrongEvent
from domain.messages import (
    ClaimStep,
    ConvergenceRequest,
    DeployRequest,
    DeployStep,
    EvaluateStep,
    ExecutionBroken,
    Message,
    PackageChanged,
    PrepareStep,
    ReleaseStep,
    RunStep,
    SettleStep,
    Start,
    TrainingChanged,
    VerifyStep,
)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (PrepareStep, {"execution": "arn", "reason": "drop"}),
        (SettleStep, {"execution": "arn", "started": "2026-01-01T00:00:00Z", "entered": "2026-01-01T00:00:00Z"}),
        (EvaluateStep, {"execution": "arn", "run": "r", "job": "j", "artifact": "s3://b/k"}),
        (DeployStep, {"execution": "arn", "target": "champion", "run": None}),
        (VerifyStep, {"execution": "arn", "stage": "rehearsal", "config": None}),
        (RunStep, {"execution": "arn", "run": "r"}),
        (ReleaseStep, {"execution": "arn", "run": None, "failed": None}),
        (ReleaseStep, {"execution": "arn", "run": "r", "failed": {"error": "E", "cause": "c"}}),
    ],
)
def test_the_machine_s_messages_are_understood(model: type[BaseModel], message: dict[str, object]) -> None:
    known = {key: value for key, value in message.items() if key in model.model_fields}
    assert model.model_validate({**message, "new": 1}).model_dump() == {**model.model_validate(message).model_dump()}
    assert known.items() <= model.model_validate(message).model_dump().items()


@pytest.mark.parametrize(
    ("model", "event", "words"),
    [
        (ClaimStep, {}, "this is no ClaimStep: execution: Field required"),
        (ClaimStep, {"execution": 7}, "this is no ClaimStep: execution: Input should be a valid string"),
        (EvaluateStep, {"execution": "arn", "run": "r", "job": "j"}, "artifact: Field required"),
        (DeployStep, {"execution": "arn", "target": "both"}, "target: Input should be 'candidate' or 'champion'"),
        (ReleaseStep, {"execution": "arn", "failed": {"cause": "c"}}, "failed.error: Field required"),
        (ExecutionBroken, {}, "this is no ExecutionBroken: detail: Field required"),
        (ExecutionBroken, {"detail": {"executionArn": None}}, "detail.executionArn: Input should be a valid string"),
        (TrainingChanged, {"detail": {}}, "detail.TrainingJobName: Field required"),
        (PackageChanged, {"detail": "approved"}, "detail: Input should be"),
        (DeployRequest, {"RequestType": "Replace"}, "RequestType: Input should be 'Create', 'Update' or 'Delete'"),
        (ConvergenceRequest, {"RequestType": "Create"}, "RequestId: Field required; Data: Field required"),
        (
            ConvergenceRequest,
            {"RequestType": "Create", "RequestId": "r", "Data": {"Asked": "2026-01-01T00:00:00"}},
            "Data.Asked: Input should have timezone info",
        ),
        (ClaimStep, ["execution"], "this is no ClaimStep: Input should be"),
        (ClaimStep, None, "this is no ClaimStep: Input should be"),
    ],
)
def test_a_message_of_another_shape_is_refused_by_name(model: type[Message], event: object, words: str) -> None:
    with pytest.raises(WrongEvent) as refused:
        model.read(event)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "message",
    [
        {"execution": "arn", "target": "champion", "stage": "live", "run": ""},
        {"execution": "arn", "run": "", "failed": None, "reason": "drop"},
    ],
)
def test_an_execution_that_an_earlier_release_started_says_nothing_for_no_run(message: dict[str, object]) -> None:
    model = DeployStep if "target" in message else ReleaseStep
    assert model.model_validate(message).run is None


def test_a_delete_needs_nothing_but_its_type() -> None:
    assert DeployRequest.read({"RequestType": "Delete", "Data": "?"}).kind == "Delete"


RUN = "0123456789ab"


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({}, Start()),
        ({"reason": "drop", "from": "Settle"}, Start.settle("drop")),
        ({"reason": "deploy", "from": "Redeploy", "chain": 2}, Start.redeploy("deploy").after(2)),
        ({"reason": "approved", "from": "Redeploy", "run": RUN}, Start.redeploy("approved", RUN)),
        ({"from": "Redeploy", "run": None}, Start.redeploy("unknown")),
        ({"from": "Redeploy", "run": ""}, Start.redeploy("unknown")),
    ],
)
def test_what_the_machine_may_be_started_with(given: dict[str, object], start: Start) -> None:
    assert Start.read(given) == start
    assert Start.read(json.loads(start.to_input())) == start


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"from": "Promote"}, "from: Input should be 'Settle' or 'Redeploy'"),
        ({"form": "Redeploy"}, "form: Extra inputs are not permitted"),
        ({"start": "Redeploy"}, "start: Extra inputs are not permitted"),
        ({"from": "Redeploy", "run": "../../evil"}, "run: String should match pattern"),
        ({"from": "Redeploy", "run": f"{RUN}\n"}, "run: String should match pattern"),
        ({"from": "Redeploy", "run": RUN, "artifact": "s3://b/k"}, "artifact: Extra inputs are not permitted"),
        ({"from": "Settle", "run": RUN}, "a run is deployed from Redeploy"),
        ({"run": RUN}, "a run is deployed from Redeploy"),
        ({"chain": -1}, "chain: Input should be greater than or equal to 0"),
        ({"chain": "many"}, "chain: Input should be a valid integer"),
        ({"reason": None}, "reason: Input should be a valid string"),
        ([], "Input should be a valid dictionary"),
        ("Redeploy", "Input should be a valid dictionary"),
        (None, "Input should be a valid dictionary"),
    ],
)
def test_what_it_may_not_be_started_with_is_refused_with_the_reason(given: object, why: str) -> None:
    with pytest.raises(WrongEvent, match=re.escape(why)):
        Start.read(given)
    with pytest.raises(WrongEvent, match="this is no ClaimStep: started"):
        ClaimStep.read({"execution": "arn", "started": given})


def test_claim_is_told_what_the_machine_was_started_with() -> None:
    step = ClaimStep.read({"execution": "arn", "started": {"reason": "drop", "from": "Settle"}, "new": 1})
    assert step.started == Start.settle("drop")
