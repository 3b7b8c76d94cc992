"""Where MiniStack 1.5.33 answers other than AWS in ways that the pipeline meets: each patch says what and why."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id
from ministack.services import cloudtrail, eventbridge, lambda_svc

_ERROR_LINE = re.compile(r"[A-Za-z_][\w.]*(:|$)")
_TRACEBACK = "Traceback (most recent call last)"
_CBOR_NAMESPACE = re.compile(rb"iNamespace.([ -_a-z~]+)")


def apply() -> None:
    """Apply every patch."""
    _plain_http_counts_as_tls()
    lambda_svc._execute_function_warm = _a_few_at_once(_class_names_of_errors(lambda_svc._execute_function_warm))
    iam_actions.request_tag_context = _metric_namespace(iam_actions.request_tag_context)
    iam_actions.extract_resource_arn = _dashboards(iam_actions.extract_resource_arn)
    eventbridge._dispatch_to_lambda = _asynchronously
    cloudtrail.record_event = _session_names(cloudtrail.record_event)
    lambda_svc._emit_lambda_logs = _no_logs_of_deleted_functions(lambda_svc._emit_lambda_logs)
    _workers_end_when_idle(float(os.environ.get("LOCAL_LAMBDA_IDLE_SECONDS", "60")))


def _plain_http_counts_as_tls() -> None:
    """Loopback HTTP stands for TLS, so that policies that demand aws:SecureTransport can be met."""
    app.pin_request_origin = lambda address, _secure: iam_evaluator.pin_request_origin(address, True)


def _a_few_at_once(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """No more Lambda functions run at a time than a few for each core; others wait for their turn.

    1.5.33 starts a process for each, as AWS starts environments: a hundred files dropped together would be a hundred
    Python processes that start at once, on the cores that the pipeline itself has to run on.
    """
    turns = threading.BoundedSemaphore(4 * (os.cpu_count() or 1))

    def execute(*arguments: Any, **named: Any) -> dict[str, Any]:
        with turns:
            return original(*arguments, **named)

    return execute


def _class_names_of_errors(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A Python handler's exception keeps its class name as errorType, which Catch and Retry match on.

    1.5.33 says Runtime.HandlerError for all; the class is in the traceback that it returns as log. A process that
    died is Runtime.ExitError, as Lambda's runtimes say it.
    """

    def execute(*arguments: Any, **named: Any) -> dict[str, Any]:
        result = original(*arguments, **named)
        body, log = result.get("body"), str(result.get("log", ""))
        if not (result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError"):
            return result
        if body["errorMessage"] == "Worker process died":
            body["errorType"] = "Runtime.ExitError"
            body["errorMessage"] = f"RequestId: {uuid.uuid4()} Error: Runtime exited with error: signal: killed"
        elif _TRACEBACK in log:
            trace = log[log.rindex(_TRACEBACK) :].strip().splitlines()
            last = next((line for line in reversed(trace) if _ERROR_LINE.match(line)), None)
            if last:
                body["errorType"] = last.split(":")[0].rsplit(".", 1)[-1]
                body["requestId"], body["stackTrace"] = str(uuid.uuid4()), trace[1:-1]
        return result

    return execute


def _asynchronously(arn: str, payload: Any) -> None:
    """An event invokes its function asynchronously: what fails is tried twice more, then goes to the dead letters.

    1.5.33 does so for an asynchronous Invoke, but asks only once for an event.
    """
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        raise LookupError(f"EventBridge: there is no function {name}")
    record = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def _metric_namespace(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The condition key cloudwatch:namespace, without which a role limited to a namespace may put no metric."""

    def context(service: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found = dict(original(service, action, body, params) or {})
        if action == "cloudwatch:PutMetricData":
            namespace = (params.get("Namespace") or [None])[0] or _namespace(body or b"")
            if namespace:
                found["cloudwatch:namespace"] = namespace
        return found

    return context


def _dashboards(original: Callable[..., str]) -> Callable[..., str]:
    """A dashboard has an ARN that a policy may name; 1.5.33 asks about "*"."""

    def extract(service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> str:
        if service == "monitoring" and body[:1] == b"{" and (name := json.loads(body).get("DashboardName")):
            return f"arn:aws:cloudwatch::{get_account_id()}:dashboard/{name}"
        return original(service, method, path, headers, body, *rest)

    return extract


def _session_names(original: Callable[..., None]) -> Callable[..., None]:
    """CloudTrail knows a role's session by its name, a Lambda function's name; 1.5.33 by its access key."""

    def record(*, username: str, access_key_id: str, **named: Any) -> None:
        caller = iam_evaluator.resolve_caller_identity(access_key_id) or {}
        role, _, session = str(caller.get("userArn", "")).rpartition("/")
        original(username=session if ":assumed-role/" in role else username, access_key_id=access_key_id, **named)

    return record


def _namespace(body: bytes) -> str | None:
    if body[:1] == b"{":
        value = json.loads(body).get("Namespace")
        return str(value) if value else None
    # botocore speaks CBOR to CloudWatch; a text key and a text value of up to 255 bytes stand side by side in it.
    match = _CBOR_NAMESPACE.search(body)
    return match[1].decode() if match else None


def _no_logs_of_deleted_functions(original: Callable[..., None]) -> Callable[..., None]:
    """A function's last lines do not bring its log group back after both were deleted.

    1.5.33 writes logs after it has answered; its stack deletions take no time, so a custom resource's function is
    always gone by then. The log group would make the next deployment fail.
    """

    def emit(function: dict[str, Any], *arguments: Any, **named: Any) -> None:
        config = function.get("config") or function
        if config.get("FunctionName") in lambda_svc._functions:
            original(function, *arguments, **named)

    return emit


def _workers_end_when_idle(idle: float) -> None:
    """Idle Lambda workers go away, as AWS reclaims its environments; 1.5.33 keeps one process per function for good."""

    def reap() -> None:
        pause = threading.Event()
        while not pause.wait(5):
            now = time.time()
            with lambda_runtime._lock:
                old = [
                    worker
                    for pool in lambda_runtime._workers.values()
                    for worker in pool
                    if not worker.in_use and now - worker.last_used > idle
                ]
                for key, pool in list(lambda_runtime._workers.items()):
                    lambda_runtime._workers[key] = [worker for worker in pool if worker not in old]
            lambda_runtime.kill_workers(old)

    threading.Thread(target=reap, name="lambda-idle", daemon=True).start()
