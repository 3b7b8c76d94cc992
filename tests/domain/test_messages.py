"""Messages between states: what a step needs is checked, what else comes is let through."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from domain.messages import AnnounceStep, ClaimStep, DeployStep, EvaluateStep, ReleaseStep, SettleStep, VerifyStep


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ClaimStep, {"execution": "arn", "reason": "drop", "from": "Settle"}),
        (SettleStep, {"execution": "arn", "started": "2026-01-01T00:00:00Z", "entered": "2026-01-01T00:00:00Z"}),
        (EvaluateStep, {"execution": "arn", "run": "r", "job": "j", "artifact": "s3://b/k"}),
        (DeployStep, {"execution": "arn", "target": "champion", "run": ""}),
        (VerifyStep, {"execution": "arn", "target": "candidate", "run": "r", "config": None}),
        (AnnounceStep, {"execution": "arn", "run": "r", "verdict": "promote"}),
        (ReleaseStep, {"execution": "arn", "run": "", "failed": None}),
        (ReleaseStep, {"execution": "arn", "run": "r", "failed": {"error": "E", "cause": "c"}}),
    ],
)
def test_the_machine_s_messages_are_understood(model: type[BaseModel], message: dict[str, object]) -> None:
    known = {key: value for key, value in message.items() if key in model.model_fields}
    assert model.model_validate({**message, "new": 1}).model_dump() == {**model.model_validate(message).model_dump()}
    assert known.items() <= model.model_validate(message).model_dump().items()


@pytest.mark.parametrize(
    ("model", "message", "missing"),
    [
        (ClaimStep, {}, "execution"),
        (EvaluateStep, {"execution": "arn", "run": "r", "job": "j"}, "artifact"),
        (DeployStep, {"execution": "arn", "target": "both"}, "target"),
        (ReleaseStep, {"execution": "arn", "failed": {"cause": "c"}}, "failed"),
    ],
)
def test_a_message_of_another_shape_is_refused(
    model: type[BaseModel], message: dict[str, object], missing: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(message)
    assert refused.value.errors()[0]["loc"][0] == missing
