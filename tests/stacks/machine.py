"""Executes a state machine's definition, taken from the synthesized template, with scripted services.

MiniStack's interpreter walks the states: JSONata, Assign, Retry and Catch are real. Only what a task asks is answered
by the test, and every question is kept, so that messages and requests can be checked. Waits are kept, and take no time.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from ministack.services import stepfunctions

_DEADLINE_SECONDS = 30


class ServiceError(Exception):
    """A scripted answer: the service fails with this error name and cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error)
        self.error, self.cause = error, cause


@dataclass
class Execution:
    """How an execution went: its states in order, what each service was asked, its waits in seconds, how it ended."""

    status: str
    states: list[str]
    asked: dict[str, list[dict[str, Any]]]
    waits: list[float]
    output: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    cause: str = ""


class Services:
    """Answers by service, in order; the last one is repeated. A service that was given none must not be asked."""

    def __init__(self, answers: dict[str, list[Any]]) -> None:
        self._answers = {name: list(of) for name, of in answers.items()}
        self.asked: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, resource: str, arguments: dict[str, Any]) -> Any:
        """What Step Functions gets for `arguments` from `resource`."""
        is_step = resource == "arn:aws:states:::lambda:invoke"
        name = arguments["FunctionName"].rsplit("-", 1)[-1] if is_step else resource.rsplit(":", 1)[-1]
        message = arguments["Payload"] if is_step else arguments
        self.asked.setdefault(name, []).append(message)
        waiting = self._answers[name]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, ServiceError):
            raise stepfunctions._ExecutionError(answer.error, answer.cause)
        return {"Payload": answer, "StatusCode": 200} if is_step else answer


def execute(definition: dict[str, Any], message: dict[str, Any], answers: dict[str, list[Any]]) -> Execution:
    """Run `definition` on `message` to its end, waits cut to nothing. Fails after a deadline."""
    services, waits = Services(answers), list[float]()
    with _scripted(services, waits):
        created = json.loads(_body(stepfunctions._create_state_machine(_machine(definition))))
        started = {"stateMachineArn": created["stateMachineArn"], "input": json.dumps(message)}
        arn = json.loads(_body(stepfunctions._start_execution(started)))["executionArn"]
        execution = stepfunctions._executions[arn]
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while execution["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"still running after {_DEADLINE_SECONDS} s: {_entered(execution)[-9:]}"
            time.sleep(0.01)
    output = execution["output"]
    return Execution(
        status=execution["status"],
        states=_entered(execution),
        asked=services.asked,
        waits=waits,
        output=json.loads(output) if execution["status"] == "SUCCEEDED" else {},
        error=str(execution.get("error") or ""),
        cause=str(execution.get("cause") or ""),
    )


@contextmanager
def _scripted(services: Services, waits: list[float]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_invoke_resource", "_scaled_sleep"):
            assert hasattr(stepfunctions, name), f"this MiniStack has no stepfunctions.{name}"
        patch.setattr(stepfunctions, "_invoke_resource", services)
        patch.setattr(stepfunctions, "_scaled_sleep", waits.append)
        patch.setattr(stepfunctions, "_emit_execution_status_event", lambda *_: None)
        yield


def _machine(definition: dict[str, Any]) -> dict[str, Any]:
    role = "arn:aws:iam::000000000000:role/any"
    return {"name": f"machine-{uuid.uuid4().hex[:12]}", "roleArn": role, "definition": json.dumps(definition)}


def _body(response: Any) -> Any:
    status, _headers, body = response
    assert status == 200, body
    return body


def _entered(execution: dict[str, Any]) -> list[str]:
    details = (event.get("stateEnteredEventDetails") for event in execution["events"])
    return [detail["name"] for detail in details if detail]
