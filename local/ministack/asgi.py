"""An HTTP request and its answer, as ASGI hands them over: read, said again, answered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from ministack.core.sigv4 import decode_header_value

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_QUERY: Final = ("cloudformation", "iam", "sns", "sts")
"""Services whose errors are XML in an ErrorResponse (botocore's protocol `query`)."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Headers by their lower-case names; of one that comes twice, both values with a comma, as SigV4 signs them."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), decode_header_value(value)
        found[name] = f"{found[name]},{text}" if name in found else text
    return found


async def read_body(receive: Receive) -> bytes:
    """The whole body."""
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def replayed(body: bytes, rest: Receive | None = None) -> Receive:
    """Hands a body that was read over once more, then what `rest` says; without it, that the client is gone."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop()
        return await rest() if rest else {"type": "http.disconnect"}

    return receive


async def answer(send: Send, status: int, kind: str, body: bytes) -> None:
    """Send a whole answer of the content type `kind`."""
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def error(service: str, code: str, message: str, fields: Mapping[str, Any] | None = None) -> tuple[str, bytes]:
    """(content type, body) of an error, in the service's own protocol; `fields` are further members of a JSON one."""
    words = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        return "application/xml", f"<Error>{words}</Error>".encode()
    if service in _QUERY:
        return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{words}</Error></ErrorResponse>".encode()
    content = {"__type": code, "message": message, **(fields or {})}
    return "application/x-amz-json-1.0", json.dumps(content).encode()
