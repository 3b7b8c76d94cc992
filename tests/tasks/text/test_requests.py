"""Which requests are accepted, and that everything else is the client's mistake, said in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.contract import Prediction
from tasks.formats import write
from tasks.text.model import Encoded
from tasks.text.requests import MAX_TEXTS, MAX_TOKENS, ClientError, Invocation, check_lengths, parse

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
        ({"inputs": "x", "parameters": {"return_all_scores": True}}, Invocation(["x"], True, None)),
        ({"inputs": "x", "parameters": {"return_all_scores": False}}, Invocation(["x"], True, 1)),
        ({"inputs": "x", "parameters": {"return_all_scores": True, "top_k": 2}}, Invocation(["x"], True, 2)),
        ({"inputs": "x", "parameters": {"function_to_apply": "sigmoid"}}, Invocation(["x"], True, 1, "sigmoid")),
        ({"inputs": "x", "parameters": {"function_to_apply": "none"}}, Invocation(["x"], True, 1, "none")),
        ({"inputs": "x", "parameters": {"function_to_apply": None}}, Invocation(["x"], True, 1, "softmax")),
        ({"inputs": "x", "parameters": {"max_length": 8}}, Invocation(["x"], True, 1, "softmax", 8)),
        ({"inputs": "x", "parameters": {"max_length": 512.0}}, Invocation(["x"], True, 1, "softmax", 512)),
        ({"inputs": "x", "parameters": {"max_length": None}}, Invocation(["x"], True)),
        ({"inputs": "x", "parameters": {"truncation": True, "padding": "max_length"}}, Invocation(["x"], True)),
        ({"inputs": "x", "parameters": {"truncation": "only_first", "padding": False}}, Invocation(["x"], True)),
        ({"inputs": "x", "parameters": {"truncation": False}}, Invocation(["x"], True, truncation=False)),
        ({"inputs": "x", "parameters": {"truncation": "do_not_truncate"}}, Invocation(["x"], True, truncation=False)),
        (
            {"inputs": "x", "parameters": {"truncation": False, "max_length": 8}},
            Invocation(["x"], True, truncation=False),
        ),
        ({"inputs": "x", "options": {"wait_for_model": True, "use_cache": False}}, Invocation(["x"], True)),
        ({"inputs": "x", "options": {}}, Invocation(["x"], True)),
        ({"inputs": ["x"] * MAX_TEXTS}, Invocation(["x"] * MAX_TEXTS, False, 1)),
    ],
)
def test_accepts(message: Any, expected: Invocation) -> None:
    assert parse(JSON, json.dumps(message).encode()) == expected


@pytest.mark.parametrize("content_type", ["", JSON, "Application/JSON; charset=UTF-8"])
def test_accepts_the_content_type(content_type: str) -> None:
    assert parse(content_type, b'{"inputs": "x"}').texts == ["x"]


@pytest.mark.parametrize("content_type", ["text/xml", "application/x-npy", "application/json; charset=latin-1"])
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
        (b'{"inputs": "x", "parameters": {"return_all_scores": 1}}', "true or false"),
        (b'{"inputs": "x", "parameters": {"function_to_apply": "relu"}}', "softmax, sigmoid, none"),
        (b'{"inputs": "x", "parameters": {"function_to_apply": 1}}', "softmax, sigmoid, none"),
        (b'{"inputs": "x", "parameters": {"truncation": 1}}', "longest_first"),
        (b'{"inputs": "x", "parameters": {"truncation": "only_second"}}', "longest_first"),
        (b'{"inputs": "x", "parameters": {"padding": 0}}', "do_not_pad"),
        (b'{"inputs": "x", "parameters": {"padding": null}}', "do_not_pad"),
        (b'{"inputs": "x", "parameters": {"max_length": 2}}', "at least 3"),
        (b'{"inputs": "x", "parameters": {"max_length": true}}', "at least 3"),
        (b'{"inputs": "x", "options": null}', '"options" must be an object'),
        (b'{"inputs": "x", "options": {"wait": true}}', 'unknown key "wait"'),
        (b'{"inputs": "x", "options": {"use_cache": "no"}}', '"use_cache" must be true or false'),
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
    assert json.loads(write(answers, True, JSON)) == one
    assert json.loads(write(answers, False, JSON)) == [one]


def encoded(tokens: int, *, truncated: bool = False) -> Encoded:
    return Encoded({"input_ids": np.zeros((1, tokens), np.int64)}, truncated)


def test_as_many_tokens_are_read_as_sagemaker_waits_for() -> None:
    most = MAX_TOKENS // 512
    check_lengths(Invocation([], False), [encoded(512)] * most)
    with pytest.raises(ClientError, match=f"{MAX_TOKENS + 512} tokens; .* here the first {most} texts") as caught:
        check_lengths(Invocation([], False), [encoded(512)] * (most + 1))
    assert caught.value.status == 413


def test_a_text_is_refused_rather_than_cut_where_that_is_asked_for() -> None:
    texts = [encoded(4), encoded(64, truncated=True)]
    check_lengths(Invocation([], False), texts)
    with pytest.raises(ClientError, match=r"text \[1\] has more than 64 tokens") as caught:
        check_lengths(Invocation([], False, truncation=False), texts)
    assert caught.value.status == 400


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
