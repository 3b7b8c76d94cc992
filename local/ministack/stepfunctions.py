"""Step Functions: the SageMaker integrations, the state machine's role, and what MiniStack does differently.

Error names: `SageMaker.ResourceLimitExceededException` and `SageMaker.AmazonSageMakerException` for the optimized
integration as in AWS's own samples; the SDK integration names what the SDK does not model after the service,
`SageMaker.SageMakerException`. A job that ends Failed or Stopped is `States.TaskFailed` with the description as
Cause (AWS's documents do not say so).
"""

from __future__ import annotations

import contextvars
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions as sfn

from local.ministack.platform import DeniedError, role_allows
from local.ministack.services import PASS_ROLE, resource_arn, sagemaker_arn
from local.sagemaker.errors import ApiError
from local.sagemaker.service import SageMaker

CREATE = "arn:aws:states:::sagemaker:createTrainingJob"
MANAGED_TAG = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
POLL_SECONDS = 0.25
_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:")
_MODELLED = ("ResourceLimitExceeded", "ResourceInUse", "ResourceNotFound")
_UNMODELLED = ("ValidationException", "AccessDeniedException", "ThrottlingException", "UnknownOperationException")
_execution: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("execution", default=None)


class ExecutionOverError(Exception):
    """The execution was stopped while a task ran: neither Retry nor Catch may see this."""


def register(service: SageMaker) -> None:
    """Hook the integrations in and enforce the state machine's role on every task."""
    sfn._SERVICE_DISPATCH[CREATE] = lambda resource, data: _create_training_job(service, resource, data)
    sfn._AWS_SDK_SERVICE_MAP["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    sfn._AWS_SDK_ERROR_PREFIX["sagemaker"] = "SageMaker"
    sfn._AWS_SDK_ERROR_CODE_OVERRIDES["sagemaker"] = {
        **dict.fromkeys(_UNMODELLED, "SageMakerException"),
        **{code: f"{code}Exception" for code in _MODELLED},
    }
    sfn._execute_task = _within_execution(sfn._execute_task)
    sfn._invoke_resource = _as_the_role(sfn._invoke_resource)
    sfn._fail_execution = _unless_over(sfn._fail_execution)


def _within_execution(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let a task know its execution."""

    def execute(definition: dict[str, Any], data: Any, execution: dict[str, Any], context: dict[str, Any]) -> Any:
        token = _execution.set(execution)
        try:
            return original(definition, data, execution, context)
        finally:
            _execution.reset(token)

    return execute


def _unless_over(original: Callable[..., Any]) -> Callable[..., Any]:
    """An execution that was stopped stays ABORTED: 1.5.33 turns it FAILED when its last task then fails."""

    def fail(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            original(execution, error, cause)

    return fail


def _as_the_role(original: Callable[..., Any]) -> Callable[..., Any]:
    """Check the state machine's role before a task: 1.5.33 calls every service as root."""

    def invoke(resource: str, data: Any) -> Any:
        execution = _execution.get()
        if execution is not None:
            _running(execution)
            for action, target, context in _needs(resource, data):
                _allowed(execution, action, target, context, resource)
        try:
            return original(resource, data)
        except sfn._ExecutionError as error:
            if ":aws-sdk:sagemaker:" in resource and "(Service:" not in str(error.cause):
                error.cause = f"{error.cause} (Service: SageMaker, Status Code: 400, Request ID: {uuid.uuid4()})"
            raise

    return invoke


def _needs(resource: str, data: Any) -> list[tuple[str, str, dict[str, str]]]:
    """(action, resource, condition keys) that the role must allow for a task; [] for what is not checked here."""
    if "states:::lambda:invoke" in resource:
        return [("lambda:InvokeFunction", str(data.get("FunctionName", "*")), {})]
    if _FUNCTION.match(resource):
        return [("lambda:InvokeFunction", resource, {})]
    if ":aws-sdk:sagemaker:" in resource:
        operation = resource.rpartition(":")[2]
        operation = operation[0].upper() + operation[1:]
        return [(f"sagemaker:{operation}", resource_arn(operation, data), {})]
    if resource.startswith(CREATE):
        job = resource_arn("CreateTrainingJob", data)
        role = str(data.get(PASS_ROLE["CreateTrainingJob"], "*"))
        rule = "rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"
        events = job.replace(":sagemaker:", ":events:").rpartition(":")[0] + f":{rule}"
        needed = [
            ("sagemaker:CreateTrainingJob", job, {}),
            ("iam:PassRole", role, {"iam:passedtoservice": "sagemaker.amazonaws.com"}),
        ]
        if resource.endswith(".sync"):
            needed += [
                ("sagemaker:AddTags", job, {}),
                ("sagemaker:DescribeTrainingJob", job, {}),
                *((f"events:{action}", events, {}) for action in ("PutTargets", "PutRule", "DescribeRule")),
            ]
        return needed
    return []


def _allowed(execution: dict[str, Any], action: str, target: str, context: dict[str, str], resource: str) -> None:
    role = sfn._state_machines[execution["stateMachineArn"]]["roleArn"]
    try:
        role_allows(role, action, target, context)
    except DeniedError as denied:
        name = "Lambda.AWSLambdaException" if ":lambda:" in resource else "SageMaker.AmazonSageMakerException"
        if ":aws-sdk:" in resource:
            name = "SageMaker.SageMakerException"
        raise sfn._ExecutionError(name, denied.message) from denied


def _running(execution: dict[str, Any]) -> None:
    if execution["status"] != "RUNNING":
        raise ExecutionOverError(execution["executionArn"])


def _create_training_job(service: SageMaker, resource: str, data: dict[str, Any]) -> dict[str, Any]:
    sync = resource.endswith(".sync")
    name = {"TrainingJobName": data.get("TrainingJobName", "")}
    request = {**data, "Tags": [*data.get("Tags", []), MANAGED_TAG]} if sync else data
    answer = _call(service, "CreateTrainingJob", request)
    if not sync:
        return {**answer, "SdkHttpMetadata": {"HttpStatusCode": 200}}
    execution = _execution.get()
    if execution is not None:
        sfn._add_event(
            execution,
            "TaskSubmitted",
            {
                "taskSubmittedEventDetails": {
                    "resourceType": "sagemaker",
                    "resource": "createTrainingJob.sync",
                    "output": json.dumps(answer),
                }
            },
        )
    while True:
        record = _call(service, "DescribeTrainingJob", name)
        if record["TrainingJobStatus"] == "Completed":
            return record
        if record["TrainingJobStatus"] in ("Failed", "Stopped"):
            raise sfn._ExecutionError("States.TaskFailed", json.dumps(record))
        if execution is not None and execution["status"] != "RUNNING":
            _stop(service, execution, name)
            _running(execution)
        time.sleep(POLL_SECONDS)


def _stop(service: SageMaker, execution: dict[str, Any], name: dict[str, str]) -> None:
    """StopExecution cancels the job, as far as the role may (best effort, as on AWS)."""
    job = sagemaker_arn("training-job", name["TrainingJobName"])
    try:
        _allowed(execution, "sagemaker:StopTrainingJob", job, {}, CREATE)
    except sfn._ExecutionError:
        return
    _call(service, "StopTrainingJob", name)


def _call(service: SageMaker, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return service.call(operation, request)
    except ApiError as error:
        name = f"{error.code}Exception" if error.code in _MODELLED else "AmazonSageMakerException"
        cause = (
            f"{error.message} (Service: AmazonSageMaker; Status Code: 400; Error Code: {error.code}; "
            f"Request ID: {uuid.uuid4()})"
        )
        raise sfn._ExecutionError(f"SageMaker.{name}", cause) from error
