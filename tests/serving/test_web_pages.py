"""On a laptop no web page gets anything from the model server; in a container it answers to whatever name is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from serving.loopback import guarded
from tests.serving.conftest import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FOREIGN = [
    {"host": "evil.example"},
    {"host": "evil.example:{port}"},
    {"host": "localhost.evil.example"},
    {"host": "127.0.0.1.evil.example:80"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_web_page_gets_no_answer(server: Server, headers: dict[str, str]) -> None:
    sent = {name: value.format(port=server.port) for name, value in headers.items()}
    for method, path, body in [("GET", "/ping", None), ("POST", "/invocations", b"a warm film")]:
        reply = server.request(method, path, body, content_type="text/plain", **sent)
        assert (reply.status, b"label" in reply.body) == (403, False)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_a_program_of_this_machine_does(server: Server, name: str) -> None:
    assert server.request("GET", "/ping", host=f"{name}:{server.port}").status == 200


@pytest.mark.parametrize(("listens", "statuses"), [("0.0.0.0", ["200 OK"]), ("127.0.0.1", ["403 Forbidden"])])
def test_what_listens_to_the_network_is_asked_under_any_name(listens: str, statuses: list[str]) -> None:
    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b""]

    said: list[str] = []

    def start(status: str, _headers: Any, _info: Any = None) -> Any:
        said.append(status)

    list(guarded(application, listens)({"HTTP_HOST": "endpoint.internal:8080"}, start))
    assert said == statuses
