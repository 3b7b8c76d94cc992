"""`tasks/text/openapi.json` says what the server does: what it accepts, and how its answers look."""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tasks.formats import MEDIA_TYPES
from tasks.text.requests import MAX_TEXTS, MAX_TOKENS
from tests.serving.conftest import ROOT, Reply, Server

DESCRIPTION = json.loads((ROOT / "tasks" / "text" / "openapi.json").read_text())
TEXTS = st.text(max_size=20)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
REQUESTS = ANYTHING | st.fixed_dictionaries(
    {"inputs": TEXTS | st.lists(TEXTS, max_size=3) | ANYTHING},
    optional={
        "parameters": st.fixed_dictionaries(
            {},
            optional={
                "top_k": st.integers(-1, 5) | ANYTHING,
                "return_all_scores": st.booleans() | ANYTHING,
                "function_to_apply": st.sampled_from(["softmax", "sigmoid", "none", "relu"]) | ANYTHING,
                "truncation": st.booleans()
                | st.sampled_from(["longest_first", "only_first", "only_second"])
                | ANYTHING,
                "max_length": st.integers(-1, 600) | ANYTHING,
                "padding": st.booleans() | st.sampled_from(["longest", "max_length", "left"]) | ANYTHING,
                "more": ANYTHING,
            },
        )
        | ANYTHING,
        "options": st.dictionaries(st.sampled_from(["use_cache", "wait_for_model", "more"]), st.booleans() | ANYTHING)
        | ANYTHING,
        "more": ANYTHING,
    },
)


def valid(value: object, schema: str) -> bool:
    return bool(Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **DESCRIPTION}).is_valid(value))


def as_described(reply: Reply, method: str, path: str) -> bool:
    """The status is one that the operation names, and the body is what it says of that status."""
    response = DESCRIPTION["paths"][path][method]["responses"][str(reply.status)]
    if reference := response.get("$ref"):
        response = DESCRIPTION["components"]["responses"][reference.rpartition("/")[2]]
    media_type = reply.headers["content-type"].partition(";")[0]
    schema = response["content"][media_type]["schema"]
    body = reply.json if media_type == "application/json" else reply.body.decode()
    return bool(Draft202012Validator({**DESCRIPTION, **schema}).is_valid(body))


@settings(max_examples=300, deadline=None)
@given(message=REQUESTS)
def test_accepts_what_the_description_accepts_and_nothing_else(server: Server, message: Any) -> None:
    reply = server.invoke(message)
    assert (reply.status == 200) == valid(message, "Request")
    assert as_described(reply, "post", "/invocations")


def test_accepts_as_many_texts_as_the_description(server: Server) -> None:
    for number, status in ((MAX_TEXTS, 200), (MAX_TEXTS + 1, 413)):
        message = {"inputs": ["a film"] * number}
        reply = server.invoke(message)
        assert (reply.status, valid(message, "Request")) == (status, status == 200)
        assert as_described(reply, "post", "/invocations")


def test_describes_every_media_type(server: Server) -> None:
    described = DESCRIPTION["paths"]["/invocations"]["post"]
    assert sorted(described["requestBody"]["content"]) == sorted(MEDIA_TYPES)
    assert sorted(described["responses"]["200"]["content"]) == sorted(MEDIA_TYPES)
    bodies = {"application/json": b'{"inputs": "x"}', "application/jsonlines": b'"x"'}
    for given_type, asked in itertools.product((*MEDIA_TYPES, "text/xml"), (*MEDIA_TYPES, "text/xml")):
        body = bodies.get(given_type, b"x")
        reply = server.request("POST", "/invocations", body, content_type=given_type, accept=asked)
        assert reply.status == (406 if asked == "text/xml" else 415 if given_type == "text/xml" else 200)
        assert as_described(reply, "post", "/invocations")


def test_describes_the_limit_of_tokens() -> None:
    assert f"{MAX_TOKENS:,} tokens" in DESCRIPTION["paths"]["/invocations"]["post"]["requestBody"]["description"]


def test_describes_every_route(server: Server) -> None:
    operations = {(path, method) for path, methods in DESCRIPTION["paths"].items() for method in methods}
    assert operations == {("/ping", "get"), ("/invocations", "post")}
    assert as_described(server.request("GET", "/ping"), "get", "/ping")
    assert as_described(server.request("POST", "/invocations", b"a,b", content_type="text/csv"), "post", "/invocations")
