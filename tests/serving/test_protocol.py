"""Which requests are accepted, and that everything else is the client's mistake, said in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.predictor import Prediction
from serving.protocol import MAX_TEXTS, ClientError, Invocation, parse, render

JSON = "application/json"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"inputs": "text"}, Invocation(["text"], True, 1)),
        ({"inputs": ""}, Invocation([""], True, 1)),
        ({"inputs": ["one", "two"]}, Invocation(["one", "two"], False, 1)),
        ({"inputs": ["one"]}, Invocation(["one"], False, 1)),
        ({"inputs": "text", "parameters": {}}, Invocation(["text"], True, 1)),
        ({"inputs": "text", "parameters": {"top_k": 3}}, Invocation(["text"], True, 3)),
        ({"inputs": "text", "parameters": {"top_k": 3.0}}, Invocation(["text"], True, 3)),
        ({"inputs": "text", "parameters": {"top_k": None}}, Invocation(["text"], True, None)),
        ({"inputs": ["x"] * MAX_TEXTS}, Invocation(["x"] * MAX_TEXTS, False, 1)),
    ],
)
def test_accepts(message: Any, expected: Invocation) -> None:
    assert parse(JSON, json.dumps(message).encode()) == expected


@pytest.mark.parametrize("content_type", ["", JSON, "Application/JSON; charset=UTF-8"])
def test_accepts_the_content_type(content_type: str) -> None:
    assert parse(content_type, b'{"inputs": "x"}').texts == ["x"]


@pytest.mark.parametrize("content_type", ["text/csv", "application/x-npy", "application/json; charset=latin-1"])
def test_refuses_the_content_type(content_type: str) -> None:
    with pytest.raises(ClientError) as caught:
        parse(content_type, b'{"inputs": "x"}')
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"text", "not JSON"),
        (b'{"inputs": "x"', "not JSON"),
        (b'{"inputs": "x"} x', "not JSON"),
        (b'{"inputs": NaN}', "NaN is not a JSON value"),
        (b'{"inputs": "x", "parameters": {"top_k": Infinity}}', "Infinity is not a JSON value"),
        ('{"inputs": "é"}'.encode("latin-1"), "UTF-8"),
        ('{"inputs": "x"}'.encode("utf-16"), "UTF-8"),
        (b"\xef\xbb\xbf" + b'{"inputs": "x"}', "not JSON"),
        (b"[" * 100_000, "too deeply"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'"text"', "an object"),
        (b'["text"]', "an object"),
        (b"{}", '"inputs"'),
        (b'{"input": "x"}', '"inputs"'),
        (b'{"inputs": "x", "parameter": {}}', 'unknown key "parameter"'),
        (b'{"inputs": null}', "must be a text or a list"),
        (b'{"inputs": {"text": "x"}}', "must be a text or a list"),
        (b'{"inputs": 1}', "must be a text or a list"),
        (b'{"inputs": []}', "is empty"),
        (b'{"inputs": ["x", 1]}', r"\[1\] is not a text"),
        (b'{"inputs": [["x"]]}', r"\[0\] is not a text"),
        (b'{"inputs": "\\ud800"}', "surrogate"),
        (b'{"inputs": "x", "parameters": null}', "must be an object"),
        (b'{"inputs": "x", "parameters": {"topk": 1}}', 'unknown key "topk"'),
        (b'{"inputs": "x", "parameters": {"top_k": 0}}', "at least 1"),
        (b'{"inputs": "x", "parameters": {"top_k": -1}}', "at least 1"),
        (b'{"inputs": "x", "parameters": {"top_k": true}}', "whole number"),
        (b'{"inputs": "x", "parameters": {"top_k": 1.5}}', "whole number"),
        (b'{"inputs": "x", "parameters": {"top_k": "1"}}', "whole number"),
    ],
)
def test_refuses(body: bytes, reason: str) -> None:
    with pytest.raises(ClientError, match=reason) as caught:
        parse(JSON, body)
    assert caught.value.status == 400


def test_refuses_too_many_texts() -> None:
    with pytest.raises(ClientError, match="at most 256") as caught:
        parse(JSON, json.dumps({"inputs": ["x"] * (MAX_TEXTS + 1)}).encode())
    assert caught.value.status == 413


def test_renders_a_list_for_one_text_and_lists_for_more() -> None:
    answers = [[Prediction("gut", 0.75), Prediction("schön", 0.25)]]
    one = [{"label": "gut", "score": 0.75}, {"label": "schön", "score": 0.25}]
    assert json.loads(render(Invocation(["x"], True, 2), answers)) == one
    assert json.loads(render(Invocation(["x"], False, 2), answers)) == [one]


@settings(max_examples=300, deadline=None)
@given(content_type=st.text(max_size=40), body=st.binary(max_size=60))
def test_never_fails_otherwise(content_type: str, body: bytes) -> None:
    statuses: set[int] = set()
    for kind in (JSON, content_type):
        try:
            invocation = parse(kind, body)
        except ClientError as error:
            # Such bytes cannot hold too many texts.
            statuses.add(error.status)
        else:
            assert invocation.texts
    assert statuses <= {400, 415}
