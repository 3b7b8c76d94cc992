"""Each task's `openapi.json` says what the server does: what it accepts, and how its answers look."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import tasks
from tasks.formats import CSV, JSON, JSON_LINES, MEDIA_TYPES, PLAIN
from tasks.image.predict import MOST_PIXELS
from tasks.image.requests import MAX_PICTURES, PICTURES
from tasks.tabular.requests import MAX_ROWS
from tasks.text.requests import MAX_TEXTS, MAX_TOKENS
from tests.serving.conftest import ROOT, Reply, Server, serving
from tests.small_models import PICTURE, first_request, small_model

TEXTS = st.text(max_size=20)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TOP_K = {"top_k": st.integers(-1, 5) | ANYTHING}
ALL_SCORES = {"return_all_scores": st.booleans() | ANYTHING}
OF_TEXTS = {
    "function_to_apply": st.sampled_from(["softmax", "sigmoid", "none", "relu"]) | ANYTHING,
    "truncation": st.booleans() | st.sampled_from(["longest_first", "only_first", "only_second"]) | ANYTHING,
    "max_length": st.integers(-1, 600) | ANYTHING,
    "padding": st.booleans() | st.sampled_from(["longest", "max_length", "left"]) | ANYTHING,
}
# Of both tables: names of numbers and of a category that they have, and one that they have not.
CELLS = st.none() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["1.5", "", "a", "word"]) | ANYTHING
BY_NAME = {
    "alcohol": CELLS, "ash": CELLS, "age": CELLS, "bmi": CELLS, "rare one": CELLS, "none": CELLS
}  # fmt: skip
ROWS = st.fixed_dictionaries({}, optional=BY_NAME)
BY_COLUMN = st.integers(0, 3).flatmap(
    lambda length: st.fixed_dictionaries(
        {}, optional={name: st.lists(cell, min_size=length, max_size=length) for name, cell in BY_NAME.items()}
    )
)
LETTERS = base64.b64encode(PICTURE).decode()
BASE64 = st.sampled_from([LETTERS, f"data:image/png;base64,{LETTERS}"]) | TEXTS


def requests(
    inputs: st.SearchStrategy[Any], parameters: dict[str, st.SearchStrategy[Any]], **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Requests in JSON, and what is none: `inputs` and, if they are sent, `parameters` and `more` keys."""
    others: dict[str, st.SearchStrategy[Any]] = {
        "parameters": st.fixed_dictionaries({}, optional={**parameters, "more": ANYTHING}) | ANYTHING,
        "options": st.dictionaries(st.sampled_from(["use_cache", "wait_for_model", "more"]), st.booleans() | ANYTHING)
        | ANYTHING,
        "more": ANYTHING,
    }
    asked = [st.fixed_dictionaries({"inputs": inputs | ANYTHING}, optional=others)]
    asked += [st.fixed_dictionaries({name: given | ANYTHING}, optional=others) for name, given in more.items()]
    return st.one_of(ANYTHING, *asked)


@dataclass(frozen=True)
class Case:
    """What is particular to a task here.

    `item` is one of `most` inputs, `limit` is how its description says the other limit of a request, `bodies` has a
    valid body for each content type. `beyond` is what a refusal says of a request that is as described, but not as the
    model's columns or the format of a picture want it: no description can say that.
    """

    requests: st.SearchStrategy[Any]
    item: Any
    most: int
    limit: str
    bodies: dict[str, bytes]
    beyond: str | None = None


TABLE = Case(
    requests(ROWS | st.lists(ROWS, max_size=3) | st.fixed_dictionaries({"data": BY_COLUMN}), {**TOP_K, **ALL_SCORES},
             table=BY_COLUMN | st.lists(ROWS, max_size=3)),
    {},
    MAX_ROWS,
    f"{MAX_ROWS:,} rows",
    {JSON: first_request("tabular"), JSON_LINES: b'{"rare one": "a"}', CSV: b"rare one\na"},
    beyond=r"unknown column|: column '|as many values for each column",
)  # fmt: skip
CASES = {
    "text": Case(
        requests(TEXTS | st.lists(TEXTS, max_size=3), {**TOP_K, **ALL_SCORES, **OF_TEXTS}),
        "a film",
        MAX_TEXTS,
        f"{MAX_TOKENS:,} tokens",
        {JSON: first_request("text"), JSON_LINES: b'"x"', CSV: b"x", PLAIN: b"x"},
    ),
    "tabular": TABLE,
    "tabular-regression": TABLE,
    "image": Case(
        requests(BASE64 | st.lists(BASE64, max_size=3), TOP_K),
        LETTERS,
        MAX_PICTURES,
        f"{MOST_PIXELS:,} pixels",
        {
            JSON: first_request("image"),
            JSON_LINES: json.dumps(LETTERS).encode(),
            **dict.fromkeys(PICTURES, PICTURE),
        },
        beyond=r'"inputs"(\[\d\])?(:| is not the base64| begins with data:)',
    ),
}


@dataclass(frozen=True)
class Described:
    """A task's description, and a server that it describes."""

    case: Case
    description: dict[str, Any]
    server: Server

    @property
    def invocations(self) -> dict[str, Any]:
        found: dict[str, Any] = self.description["paths"]["/invocations"]["post"]
        return found

    def valid(self, value: object, schema: str) -> bool:
        named = {"$ref": f"#/components/schemas/{schema}", **self.description}
        return bool(Draft202012Validator(named).is_valid(value))

    def as_described(self, reply: Reply, method: str, path: str) -> bool:
        """The operation names the status; body and headers are what it says of that status."""
        response = self.description["paths"][path][method]["responses"][str(reply.status)]
        if reference := response.get("$ref"):
            response = self.description["components"]["responses"][reference.rpartition("/")[2]]
        media_type = reply.headers["content-type"].partition(";")[0]
        schema = response["content"][media_type]["schema"]
        body = reply.json if media_type == "application/json" else reply.body.decode()
        headers = {
            name: Draft202012Validator(header["schema"]).is_valid(reply.headers[name.lower()])
            for name, header in response.get("headers", {}).items()
        }
        return all(headers.values()) and bool(Draft202012Validator({**self.description, **schema}).is_valid(body))


@pytest.fixture(
    scope="module",
    params=[pytest.param(task, marks=() if task == "text" else pytest.mark.of_other_tasks) for task in tasks.names()],
)
def described(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    """Every task there is: one without a description or a case fails."""
    task: str = request.param
    description = json.loads((ROOT / "tasks" / tasks.folder(task) / "openapi.json").read_text())
    if task == "text":
        yield Described(CASES[task], description, request.getfixturevalue("server"))
        return
    root = tmp_path_factory.mktemp(task)
    with serving(small_model(root, task), root / "server.log") as server:
        yield Described(CASES[task], description, server)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_accepts_what_the_description_accepts_and_nothing_else(described: Described, data: st.DataObject) -> None:
    message = data.draw(described.case.requests)
    reply = described.server.invoke(message)
    assert described.as_described(reply, "post", "/invocations")
    valid, beyond = described.valid(message, "Request"), described.case.beyond
    if valid and reply.status == 400 and beyond is not None:
        assert re.search(beyond, reply.json["error"]), reply.json
    else:
        assert (reply.status == 200) == valid, reply.body


def test_the_bounds_are_those_of_the_description(described: Described) -> None:
    more = [("parameters", "top_k", number) for number in (1, 0, -1)]
    more += [("options", name, 1) for name in ("use_cache", "wait_for_model", "use_gpu", "use_gpus")]
    more += [("options", name, True) for name in ("use_cache", "wait_for_model", "use_gpu", "use_gpus")]
    for key, name, value in more:
        message = {"inputs": described.case.item, key: {name: value}}
        reply = described.server.invoke(message)
        assert (reply.status == 200) == described.valid(message, "Request"), message
        assert described.as_described(reply, "post", "/invocations")


def test_accepts_as_many_inputs_as_the_description(described: Described) -> None:
    for number, status in ((described.case.most, 200), (described.case.most + 1, 413)):
        message = {"inputs": [described.case.item] * number}
        # Lines, because an answer of 10,000 lists in JSON takes seconds to be held against the description.
        asked = {"content_type": JSON, "accept": JSON_LINES}
        reply = described.server.request("POST", "/invocations", json.dumps(message).encode(), **asked)
        assert (reply.status, described.valid(message, "Request")) == (status, status == 200)
        assert described.as_described(reply, "post", "/invocations")


def test_describes_every_media_type(described: Described) -> None:
    bodies = described.case.bodies
    assert sorted(described.invocations["requestBody"]["content"]) == sorted(bodies)
    assert sorted(described.invocations["responses"]["200"]["content"]) == sorted(MEDIA_TYPES)
    for given_type, asked in itertools.product((*MEDIA_TYPES, *PICTURES, "text/xml"), (*MEDIA_TYPES, "text/xml")):
        body = bodies.get(given_type, b"x")
        reply = described.server.request("POST", "/invocations", body, content_type=given_type, accept=asked)
        expected = 406 if asked == "text/xml" else 200 if given_type in bodies else 415
        assert reply.status == expected, (given_type, asked, reply.body)
        assert described.as_described(reply, "post", "/invocations")


def test_describes_the_limit(described: Described) -> None:
    assert described.case.limit in described.invocations["requestBody"]["description"]


def test_describes_every_route(described: Described) -> None:
    operations = {(path, method) for path, methods in described.description["paths"].items() for method in methods}
    assert operations == {("/ping", "get"), ("/invocations", "post")}
    assert described.as_described(described.server.request("GET", "/ping"), "get", "/ping")
    refused = described.server.request("POST", "/invocations", b"{", content_type="application/json")
    assert refused.status == 400
    assert described.as_described(refused, "post", "/invocations")
