"""The synthesized state machine, one task at a time.

MiniStack's own parts evaluate it: JSONata, Assign, Output, Retry and Catch are those of the local cloud. What is
between two tasks (choices, waits) only concerns the execution itself, so it is walked through at once.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple

from ministack.services import stepfunctions

from tests.explorer.functions import NOW, Returned

_NEEDED = (
    "_ExecutionError", "_apply_catcher", "_apply_jsonata_arguments", "_apply_jsonata_output", "_apply_state_assign",
    "_execute_choice", "_execute_pass", "_fail_state_error", "_find_matching_catcher", "_find_matching_retrier",
)  # fmt: skip
LAMBDA = "arn:aws:states:::lambda:invoke"


class At(NamedTuple):
    """An execution at a task: the state, its input and the variables as JSON, and the tries of each retrier."""

    state: str
    given: str
    variables: str
    tries: tuple[tuple[int, int], ...] = ()

    def variable(self, name: str) -> Any:
        """The value of a variable, None if it is not set."""
        return json.loads(self.variables).get(name)


class Ended(NamedTuple):
    """An execution that came to its end."""

    status: str
    output: str = "{}"
    error: str = ""
    cause: str = ""


class Asked(NamedTuple):
    """What a task asks: a function's name (or "" for an AWS service) and the message as JSON."""

    function: str
    message: str


class Machine:
    """Steps through a definition; nothing here is changed by an execution."""

    def __init__(self, definition: dict[str, Any], arn: str) -> None:
        for name in _NEEDED:
            assert hasattr(stepfunctions, name), f"this MiniStack has no stepfunctions.{name}"
        self._states: dict[str, dict[str, Any]] = definition["States"]
        self._start, self.arn = definition["StartAt"], arn
        self._language = definition["QueryLanguage"]
        self.begin = cache(self._begin)
        self.asks = cache(self._asks)
        self.answered = cache(self._answered)

    def execution_arn(self, name: str) -> str:
        """The ARN of an execution by its name."""
        return f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"

    def _begin(self, name: str, message: str) -> At | Ended:
        return self._walk(name, self._start, json.loads(message), self._context(name, "{}"))

    def _asks(self, name: str, at: At) -> Asked:
        state, context = self._states[at.state], self._context(name, at.variables)
        arguments = stepfunctions._apply_jsonata_arguments(state, json.loads(at.given), context)
        if state["Resource"] != LAMBDA:
            return Asked("", json.dumps(arguments, sort_keys=True))
        function = arguments["FunctionName"].rsplit("-", 1)[-1]
        return Asked(function, json.dumps(arguments["Payload"], sort_keys=True))

    def _answered(self, name: str, at: At, returned: Returned, last: bool = False) -> At | Ended:
        """Where the execution is after its task ended. `last`: an error finds no retry left."""
        state, context = self._states[at.state], self._context(name, at.variables)
        given = json.loads(at.given)
        if not returned.error:
            value = json.loads(returned.value)
            result = {"Payload": value, "StatusCode": 200} if state["Resource"] == LAMBDA else value
            output = stepfunctions._apply_jsonata_output(state, given, context, result=result, default=result)
            stepfunctions._apply_state_assign(state, given, context, result=result)
            return self._walk(name, state["Next"], output, context)
        tries = dict(at.tries)
        retrier, index = stepfunctions._find_matching_retrier(state.get("Retry", []), returned.error, tries)
        if retrier is not None and not last:
            tries[index] = tries.get(index, 0) + 1
            return at._replace(tries=tuple(sorted(tries.items())))
        catcher = stepfunctions._find_matching_catcher(state.get("Catch", []), returned.error)
        if catcher is None:
            return Ended("FAILED", error=returned.error, cause=returned.cause)
        said = {"Error": returned.error, "Cause": returned.cause}
        output = stepfunctions._apply_catcher(catcher, given, context, self._language, said)
        return self._walk(name, catcher["Next"], output, context)

    def _walk(self, name: str, state: str, given: Any, context: dict[str, Any]) -> At | Ended:
        """Go on from `state` to the next task, or to the end."""
        while True:
            definition = self._states[state]
            context["State"] = {"Name": state, "RetryCount": 0, "EnteredTime": NOW.isoformat()}
            match definition["Type"]:
                case "Task":
                    variables = json.dumps(context["variables"], sort_keys=True)
                    return At(state, json.dumps(given, sort_keys=True), variables)
                case "Succeed":
                    return Ended("SUCCEEDED", json.dumps(given, sort_keys=True))
                case "Fail":
                    error, cause = stepfunctions._fail_state_error(definition, given, context)
                    return Ended("FAILED", error=error, cause=cause)
                case "Choice":
                    given, state = stepfunctions._execute_choice(definition, given, context)
                case "Pass":
                    given, state = stepfunctions._execute_pass(definition, given, context)
                case "Wait":
                    state = definition["Next"]
                case other:
                    raise NotImplementedError(f"state {state} is a {other}")

    def _context(self, name: str, variables: str) -> dict[str, Any]:
        execution = {"Id": self.execution_arn(name), "Name": name, "StartTime": NOW.isoformat(), "RedriveCount": 0}
        return {
            "QueryLanguage": self._language,
            "Execution": execution,
            "StateMachine": {"Id": self.arn},
            "State": {"Name": "", "RetryCount": 0, "EnteredTime": NOW.isoformat()},
            "variables": json.loads(variables),
        }
