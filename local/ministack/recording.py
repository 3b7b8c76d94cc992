"""What roles ask of IAM, written down: for reports on which of their rights are used (LOCAL_RECORD=1)."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ministack import app
from ministack.core import iam_evaluator

from local.permissions import Request

CONTROL: Final = "/_local/requests"
# Each value is another request otherwise, and no policy here asks about them.
_LEFT_OUT: Final = ("dynamodb:select", "dynamodb:attributes", "s3:max-keys", "s3:delimiter", "s3:x-amz-")
Scope = dict[str, Any]


def install() -> None:
    """Note each request of a role from now on, and list them at GET /_local/requests."""
    asked: dict[Request, None] = {}
    lock = threading.Lock()
    iam_evaluator.evaluate = _noted(iam_evaluator.evaluate, asked, lock)
    app.app = _front(app.app, asked, lock)


def _noted(original: Callable[..., Any], asked: dict[Request, None], lock: threading.Lock) -> Callable[..., Any]:
    def evaluate(context: Any, *rest: Any) -> Any:
        _, is_role, session = str(context.principal_arn).partition(":assumed-role/")
        if is_role:
            keys = {key: v for key, v in context.service_context.items() if not key.startswith(_LEFT_OUT)}
            request = Request.of(session.partition("/")[0], context.action, context.resource_arn, keys)
            with lock:
                asked[request] = None
        return original(context, *rest)

    return evaluate


def _front(
    inner: Callable[..., Awaitable[None]], asked: dict[Request, None], lock: threading.Lock
) -> Callable[..., Awaitable[None]]:
    async def front(scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http" or scope["path"] != CONTROL:
            await inner(scope, receive, send)
            return
        with lock:
            content = json.dumps([request.to_json() for request in asked]).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return front
