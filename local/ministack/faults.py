"""Where the fault switch (`local/faults.py`) meets MiniStack: the HTTP front, machines' tasks, events' targets.

Every call of a Lambda function, a training job or an endpoint comes in by HTTP, signed with its role's key; what Step
Functions and EventBridge ask comes from within.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import lambda_runtime, router
from ministack.services import eventbridge, sts
from ministack.services import stepfunctions as sfn

from local.faults import Call, Faults, Rule
from local.ministack import asgi
from local.ministack.asgi import Asgi, Receive, Scope, Send
from local.sagemaker.service import INVOCATIONS, SageMaker

CONTROL = "/_local/faults"
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
_LAST_MODIFIED = re.compile(r"(?<=<LastModified>)[^<]+")
_S3 = {("GET", False): "ListObjectsV2", ("GET", True): "GetObject", ("PUT", True): "PutObject"}


def install(faults: Faults, service: SageMaker) -> None:
    """Wrap what calls go through. The last patch to be applied: it must see what the others make of a call."""
    app.app = _front(app.app, faults)
    sfn._invoke_resource = _tasks(sfn._invoke_resource, faults, service)
    eventbridge._dispatch_to_lambda = _target(eventbridge._dispatch_to_lambda, faults, _function_of)
    eventbridge._dispatch_to_stepfunctions = _target(
        eventbridge._dispatch_to_stepfunctions, faults, lambda _: "states:start"
    )


# ---- HTTP ------------------------------------------------------------------------------


def _front(inner: Asgi, faults: Faults) -> Asgi:
    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
        elif scope["path"] == CONTROL:
            await _control(faults, scope, receive, send)
        elif faults.armed() and (caller := _caller(scope)):
            await _meet(inner, faults, caller, scope, await asgi.read_body(receive), send)
        else:
            await inner(scope, receive, send)

    return front


async def _meet(inner: Asgi, faults: Faults, caller: str, scope: Scope, body: bytes, send: Send) -> None:
    function, caller = caller, caller.rsplit("-", 1)[-1]
    call = Call(caller, _operation(scope, body), scope["path"] + body[:65_536].decode("utf-8", "replace"))
    rule = faults.meet(call)
    carry_out = _request(inner, scope, body)
    if rule is None:
        await carry_out(send)
        return
    if rule.do == "hold":
        await asyncio.to_thread(faults.wait_until_let_go)
    if rule.do in ("delay", "hold"):
        await asyncio.sleep(rule.seconds)
    if rule.do in ("lose", "kill-after", "twice"):
        await carry_out(_nowhere)
    if rule.do in ("kill-before", "kill-after"):
        await asyncio.to_thread(_kill, function)
    if rule.do in ("error", "lose", "kill-before", "kill-after"):
        refusal = asgi.error(call.operation.split(":")[0], rule.code, rule.message, rule.fields)
        await asgi.answer(send, rule.status, *refusal)
    elif rule.do == "answer":
        await asgi.answer(send, 200, "application/x-amz-json-1.1", rule.body.encode())
    elif rule.do == "shift":
        await _shifted(carry_out, send, rule.seconds)
    else:
        await carry_out(send)


def _caller(scope: Scope) -> str:
    """The Lambda function that signed a request, or "role" for a job's or an endpoint's, or "" for a person."""
    headers = asgi.headers_of(scope)
    session = sts._sessions.get(router.extract_access_key_id(headers))
    name = str(session["Arn"]).rsplit("/", 1)[-1] if session else ""
    return "role" if name == "SageMaker" else name


def _operation(scope: Scope, body: bytes) -> str:
    headers = asgi.headers_of(scope)
    match = _SCOPE.search(headers.get("authorization", ""))
    service = match[1] if match else ""
    if INVOCATIONS.fullmatch(scope["path"]):
        return "sagemaker:InvokeEndpoint"
    if target := headers.get("x-amz-target"):
        return f"{service}:{target.rpartition('.')[2]}"
    if service == "s3":
        return f"s3:{_S3.get((scope['method'], scope['path'].strip('/').count('/') > 0), scope['method'])}"
    return f"{service}:{parse_qs(body.decode('utf-8', 'replace')).get('Action', [''])[0]}"


def _request(inner: Asgi, scope: Scope, body: bytes) -> Callable[[Send], Awaitable[None]]:
    """The request as something that can be carried out again."""

    async def carry_out(send: Send) -> None:
        await inner(dict(scope), asgi.replayed(body), send)

    return carry_out


async def _nowhere(_message: dict[str, Any]) -> None:
    """An answer that never arrives."""


async def _shifted(carry_out: Callable[[Send], Awaitable[None]], send: Send, seconds: float) -> None:
    caught: list[dict[str, Any]] = []

    async def catch(message: dict[str, Any]) -> None:
        caught.append(message)

    await carry_out(catch)
    body = b"".join(message.get("body", b"") for message in caught).decode()
    body = _LAST_MODIFIED.sub(lambda match: _moved(match[0], seconds), body)
    await asgi.answer(send, caught[0]["status"], "application/xml", body.encode())


def _moved(moment: str, seconds: float) -> str:
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _kill(function: str) -> None:
    """SIGKILL the function's processes that are at work."""
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        at_work = [w._proc for w in workers if w.func_name == function and w.in_use and w._proc]
    for process in at_work:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


async def _control(faults: Faults, scope: Scope, receive: Receive, send: Send) -> None:
    """PUT: the table, as a list of rules; GET: what went wrong since; DELETE: what is held is let go.

    For the tests; `front.py` checks who asks.
    """
    status, content = 200, json.dumps(faults.fired())
    if scope["method"] == "DELETE":
        faults.let_go()
    if scope["method"] == "PUT":
        try:
            faults.set([Rule.of(rule) for rule in json.loads(await asgi.read_body(receive))])
        except ValueError as error:
            status, content = 400, json.dumps({"message": str(error)})
    await asgi.answer(send, status, "application/json", content.encode())


# ---- Step Functions and EventBridge ------------------------------------------------------


def _tasks(original: Callable[[str, Any], Any], faults: Faults, service: SageMaker) -> Callable[[str, Any], Any]:
    """A task's request goes wrong: as Step Functions names it, `code` is the error and `message` its cause."""

    def invoke(resource: str, data: Any) -> Any:
        is_step = "states:::lambda:invoke" in resource
        name = str(data["FunctionName"]).rsplit("-", 1)[-1] if is_step else _task(resource)
        rule = faults.meet(Call("states", f"lambda:{name}" if is_step else f"sagemaker:{name}", json.dumps(data)))
        if rule is None:
            return original(resource, data)
        if rule.do == "hold":
            faults.wait_until_let_go()
        if rule.do in ("delay", "hold"):
            time.sleep(rule.seconds)
        if rule.do == "shift":
            moments = {name: _moved(data["Payload"][name], rule.seconds) for name in ("started", "entered")}
            data = {**data, "Payload": {**data["Payload"], **moments}}
        if rule.do == "lose" and name == "CreateTrainingJob":
            service.call(name, data)
        elif rule.do in ("lose", "twice"):
            original(resource, data)
        if rule.do in ("error", "lose"):
            raise sfn._ExecutionError(rule.code, rule.message)
        return json.loads(rule.body) if rule.do == "answer" else original(resource, data)

    return invoke


def _task(resource: str) -> str:
    operation = resource.removesuffix(".sync").rpartition(":")[2]
    return operation[0].upper() + operation[1:]


def _target(
    original: Callable[[str, Any], None], faults: Faults, operation: Callable[[str], str]
) -> Callable[[str, Any], None]:
    """An event is delivered twice, late or never."""

    def dispatch(arn: str, payload: Any) -> None:
        rule = faults.meet(Call("events", operation(arn), str(payload)))
        if rule and rule.do == "skip":
            return
        if rule and rule.do == "twice":
            original(arn, payload)
        original(arn, payload)

    return dispatch


def _function_of(arn: str) -> str:
    return f"lambda:{arn.rsplit('-', 1)[-1]}"
