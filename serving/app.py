"""The two routes of SageMaker's container contract, as a WSGI application.

Only the content type and the custom attributes of a response reach the caller of InvokeEndpoint, so the model's version
and what was truncated travel in the latter.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.contract import PredictionError, Predictor
from tasks.formats import CSV, JSON, MAX_BODY_BYTES, PLAIN, ClientError, accepted

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("serving")

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class _Response(NamedTuple):
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = JSON


def create_app(predictor: Predictor) -> WSGIApplication:
    """The WSGI application that answers with `predictor`."""

    def invocations(environ: WSGIEnvironment) -> _Response:
        media_type = accepted(environ.get("HTTP_ACCEPT", ""))
        body, said = predictor.respond(environ.get("CONTENT_TYPE", ""), _body(environ), media_type)
        if len(body) > MAX_BODY_BYTES:
            raise ClientError(413, "the answer would exceed 4 MB: send fewer inputs or ask for fewer labels")
        attributes = ";".join(f"{name}={value}" for name, value in {"model": predictor.manifest.run, **said}.items())
        return _Response(200, body, ((ATTRIBUTES, attributes),), media_type)

    def ping(_environ: WSGIEnvironment) -> _Response:
        # Healthy means that the model answers, so it is asked, every time.
        try:
            predictor.ping()
        except PredictionError:
            logger.exception("unhealthy")
            return _error(503, "the model does not answer")
        return _Response(200, b"{}")

    routes: dict[str, tuple[str, Callable[[WSGIEnvironment], _Response]]] = {
        "/ping": ("GET", ping),
        "/invocations": ("POST", invocations),
    }

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = _route(routes, environ)
        status = HTTPStatus(response.status)
        # JSON is UTF-8 by definition, other text is not.
        charset = "; charset=utf-8" if response.media_type in (CSV, PLAIN) else ""
        kind = f"{response.media_type}{charset}"
        headers = [("Content-Type", kind), ("Content-Length", str(len(response.body)))]
        start_response(f"{status.value} {status.phrase}", [*headers, *response.headers])
        return [response.body]

    return application


def _route(routes: dict[str, tuple[str, Callable[[Any], _Response]]], environ: WSGIEnvironment) -> _Response:
    path = environ.get("PATH_INFO", "")
    if path not in routes:
        return _error(404, f"there are {' and '.join(routes)} here")
    method, handler = routes[path]
    if environ["REQUEST_METHOD"] != method:
        return _error(405, f"{path} takes {method}", ("Allow", method))
    try:
        return handler(environ)
    except ClientError as error:
        return _error(error.status, str(error))
    except PredictionError:
        logger.exception("prediction failed")
        return _error(500, "the model failed on this input")


def _body(environ: WSGIEnvironment) -> bytes:
    # The server has read the whole body already, and replaced chunks by a length.
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY_BYTES:
        raise ClientError(413, f"the body has {length} bytes; at most {MAX_BODY_BYTES} are read")
    body: bytes = environ["wsgi.input"].read(length)
    return body


def _error(status: int, message: str, *headers: tuple[str, str]) -> _Response:
    return _Response(status, json.dumps({"error": message}).encode(), headers)
