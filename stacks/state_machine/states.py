"""The kinds of state that the machine is made of: steps (a Lambda function asked with a message), and a look at AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from domain.errors import NotYetAllowed, PipelineError, Superseded
from stacks.functions import Functions
from stacks.state_machine.variables import Expression, Variables, expression


def when(condition: str) -> sfn.Condition:
    """A condition in JSONata, without its delimiters."""
    return sfn.Condition.jsonata(expression(condition))


def fail(scope: Construct, error: type[PipelineError], why: str) -> sfn.Fail:
    """The state in which an execution fails, named as `error` is; `why` is JSONata."""
    return sfn.Fail.jsonata(scope, error.__name__, error=error.__name__, cause=expression(why))


EXECUTION: Final = "{% $states.context.Execution.Id %}"
RESULT: Final = "$states.result.Payload"
# A cause may hold a whole job description; its start says what happened.
CAUGHT: Final[Variables] = {
    "caught": {
        "error": expression("$states.errorOutput.Error"),
        "cause": expression("$substring($string($states.errorOutput.Cause), 0, 2000)"),
    }
}

# Trouble on Lambda's side, or a function that died: every step may be repeated, so all of these are.
_TRANSIENT: Final = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    # A process that died, for want of memory or otherwise.
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Sandbox.Timedout",
)
# What is denied because IAM has not told everybody of a role made minutes ago: a call of a function, and the call of
# the function itself. A permission that is missing for good fails minutes later for it.
_NOT_YET: Final = (NotYetAllowed.__name__, "Lambda.AWSLambdaException")
# An AWS service in trouble, by the names that boto3's errors have. Most services say throttling and "try again" with
# a bare ClientError.
_TROUBLE: Final = (
    "ClientError",
    "ThrottlingException",
    "ThrottledException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "TransactionCanceledException",
    "TransactionConflictException",
    "InternalServerError",
    "InternalErrorException",
    "InternalFailure",
    "InternalDependencyException",
    "ServiceUnavailable",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "EndpointConnectionError",
    "ConnectionClosedError",
    "ResponseStreamingError",
    "IncompleteReadError",
    "S3UploadFailedError",
)


@dataclass(frozen=True)
class Patience:
    """An error that means "not yet", and how long to keep asking: `times` times, at most `seconds` apart."""

    error: type[PipelineError]
    seconds: int
    times: int


def retrying(*, seconds: int, times: int, backoff: float = 2) -> dict[str, Any]:
    """How a state is tried again: so often, first after at most `seconds`, never after more than a minute."""
    return {
        "interval": Duration.seconds(seconds),
        "max_attempts": times,
        "backoff_rate": backoff,
        "max_delay": Duration.seconds(60),
        # Executions that fail together do not come back together.
        "jitter_strategy": sfn.JitterType.FULL,
    }


class StepStates:
    """Makes the states that ask a function; a run that lost its claim ends `Superseded`, whatever step it is at."""

    def __init__(self, scope: Construct, functions: Functions) -> None:
        self._scope, self._functions = scope, functions
        self._superseded = sfn.Succeed.jsonata(scope, Superseded.__name__)

    def ask(
        self,
        name: str,
        function: str,
        message: Mapping[str, Any],
        *,
        comment: str,
        assign: Variables | None = None,
        outputs: Mapping[str, Any] | None = None,
        patience: tuple[Patience, ...] = (),
    ) -> tasks.LambdaInvoke:
        """The state `name`: ask `function` with `message` and the execution's ARN.

        What it says goes on in variables (`assign`); `outputs` becomes the next state's input, else nothing does. What
        is transient is retried.
        """
        asked = self._functions[function]
        assert asked.timeout is not None
        state = tasks.LambdaInvoke.jsonata(
            self._scope,
            name,
            comment=comment,
            lambda_function=asked,
            payload=sfn.TaskInput.from_object({"execution": EXECUTION, **message}),
            assign=assign,
            outputs=dict(outputs or {}),
            retry_on_service_exceptions=False,
            # The function ends itself first; this is for an answer that is lost.
            task_timeout=sfn.Timeout.duration(Duration.seconds(asked.timeout.to_seconds() + 30)),
        )
        for wait in patience:
            state.add_retry(errors=[wait.error.__name__], **retrying(seconds=wait.seconds, times=wait.times, backoff=1))
        state.add_retry(errors=[*_NOT_YET], **retrying(seconds=5, times=10))
        state.add_retry(errors=[*_TRANSIENT, *_TROUBLE], **retrying(seconds=2, times=5))
        # Its answer was lost, or it hangs where its own timeout does not reach.
        state.add_retry(errors=["States.Timeout"], **retrying(seconds=2, times=1))
        state.add_catch(self._superseded, errors=[Superseded.__name__], outputs={"outcome": "superseded"})
        return state


def describe_endpoint(
    scope: Construct, name: str, *, endpoint: Expression, arns: list[str], comment: str, assign: Variables
) -> tasks.CallAwsService:
    """The state `name`: ask SageMaker how the endpoint is, one of `arns`."""
    state = tasks.CallAwsService.jsonata(
        scope,
        name,
        comment=comment,
        service="sagemaker",
        action="describeEndpoint",
        parameters={"EndpointName": endpoint},
        iam_resources=arns,
        assign=assign,
        outputs={},
        task_timeout=sfn.Timeout.duration(Duration.seconds(60)),
    )
    state.add_retry(errors=["SageMaker.SdkClientException", "States.Timeout"], **retrying(seconds=2, times=5))
    return state
