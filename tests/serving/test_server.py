"""The container's contract, against a real server process over a real model."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.text.predict import Predictor
from tasks.text.requests import MAX_BODY_BYTES
from tests.serving.conftest import LABELS, ROOT, Server, environment, serving
from tests.tiny_model import tiny_artifact

ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"


def test_ping(server: Server) -> None:
    reply = server.request("GET", "/ping")
    assert (reply.status, reply.json) == (200, {})


def test_answers_one_text(server: Server, predictor: Predictor) -> None:
    reply = server.invoke({"inputs": "this film is great"})
    ((best,),) = predictor.predict(["this film is great"])
    assert (reply.status, reply.json) == (200, [{"label": best.label, "score": best.score}])
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers[ATTRIBUTES] == "model=run-1;truncated=0"
    assert "server" not in reply.headers


def test_answers_many_texts_in_order(server: Server, predictor: Predictor) -> None:
    texts = ["great", "a very dull and awful film " * 5, "", "bad"] * 20
    reply = server.invoke({"inputs": texts, "parameters": {"top_k": None}})
    assert reply.json == [[p._asdict() for p in found] for found in predictor.predict(texts, None)]
    assert [len(found) for found in reply.json] == [len(LABELS)] * len(texts)


def test_says_what_was_truncated(server: Server) -> None:
    reply = server.invoke({"inputs": ["good " * 100, "good", "bad " * 100]})
    assert reply.headers[ATTRIBUTES] == "model=run-1;truncated=2"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"this film is great\nbad\n"),
        ("application/jsonlines", b'"this film is great"\n{"inputs": "bad"}\n'),
        ("application/json", b'{"inputs": ["this film is great", "bad"]}'),
    ],
)
def test_answers_in_what_is_accepted(server: Server, predictor: Predictor, content_type: str, body: bytes) -> None:
    ((one,), (two,)) = predictor.predict(["this film is great", "bad"])
    for accept, media_type, answer in (
        ("*/*", "application/json", json.dumps([[one._asdict()], [two._asdict()]])),
        (
            "application/jsonlines",
            "application/jsonlines",
            f"{json.dumps([one._asdict()])}\n{json.dumps([two._asdict()])}\n",
        ),
        ("text/csv", "text/csv; charset=utf-8", f"{one.label},{one.score}\n{two.label},{two.score}\n"),
        ("text/plain", "text/plain; charset=utf-8", f"{one.label}\t{one.score}\n{two.label}\t{two.score}\n"),
    ):
        reply = server.request("POST", "/invocations", body, content_type=content_type, accept=accept)
        assert (reply.status, reply.headers["content-type"], reply.body.decode()) == (200, media_type, answer)
        assert reply.headers[ATTRIBUTES] == "model=run-1;truncated=0"


def test_a_plain_text_is_one_text(server: Server, predictor: Predictor) -> None:
    reply = server.request("POST", "/invocations", b"good\nand bad\n", content_type="text/plain")
    assert reply.json == [p._asdict() for p in predictor.predict(["good\nand bad"])[0]]


def test_honours_what_clients_of_hugging_face_ask_for(server: Server, predictor: Predictor) -> None:
    long = "good film " * 100
    parameters = {"return_all_scores": True, "function_to_apply": "none", "truncation": True, "max_length": 16}
    reply = server.invoke({"inputs": long, "parameters": parameters, "options": {"wait_for_model": True}})
    expected = predictor.read(predictor.encode([long], 16), None, "none").predictions[0]
    assert reply.json == [item._asdict() for item in expected]
    assert reply.headers[ATTRIBUTES] == "model=run-1;truncated=1"
    refused = server.invoke({"inputs": ["good", long], "parameters": {"truncation": False}})
    assert (refused.status, refused.json["error"][:8]) == (400, "text [1]")


def test_refuses_more_tokens_than_there_is_time_for(tmp_path: Path) -> None:
    """256 texts that are each too long for all of them to be read within SageMaker's minute."""
    tiny_artifact(tmp_path / "tiny", LABELS, max_length=512)
    with serving(tmp_path / "tiny" / "model", tmp_path / "log") as server:
        reply = server.invoke({"inputs": ["good " * 600] * 256})
        assert reply.status == 413
        assert reply.json["error"].endswith("here the first 64 texts")
        assert server.invoke({"inputs": ["good " * 600] * 2}).status == 200


def test_answers_without_a_content_type(server: Server) -> None:
    assert server.request("POST", "/invocations", b'{"inputs": "x"}').status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/invocations/", 404),
        ("GET", "/%2e%2e/etc/passwd", 404),
        ("GET", "/invocations", 405),
        ("PUT", "/invocations", 405),
        ("POST", "/ping", 405),
        ("DELETE", "/ping", 405),
    ],
)
def test_knows_two_routes(server: Server, method: str, path: str, status: int) -> None:
    reply = server.request(method, path)
    assert reply.status == status
    assert reply.json["error"]
    assert ("allow" in reply.headers) == (status == 405)


def test_says_what_is_wrong(server: Server) -> None:
    reply = server.request("POST", "/invocations", b'{"inputs": 1}', content_type="application/json")
    assert (reply.status, reply.json) == (400, {"error": '"inputs" must be a text or a list of texts'})
    assert server.request("POST", "/invocations", b"a,b", content_type="text/xml").status == 415
    assert server.request("POST", "/invocations", b"good", content_type="text/csv", accept="image/png").status == 406


@pytest.mark.parametrize("size", [MAX_BODY_BYTES - 100, MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
def test_reads_four_megabytes(server: Server, size: int) -> None:
    body = json.dumps({"inputs": "good "}).encode()
    padded = body[:-2] + b"x " * ((size - len(body)) // 2) + b"y" * ((size - len(body)) % 2) + body[-2:]
    assert len(padded) == size
    reply = server.request("POST", "/invocations", padded, content_type="application/json")
    assert reply.status == (200 if size <= MAX_BODY_BYTES else 413), reply.body
    if reply.status == 413:
        assert "at most 4194304" in reply.json["error"]


def test_stores_no_endless_body(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_bytes",
    [b"\x16\x03\x01 not HTTP\r\n\r\n", b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"],
)
def test_refuses_what_is_not_http(server: Server, request_bytes: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(request_bytes)
        assert client.recv(100).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert server.request("GET", "/ping").status == 200


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.text(st.characters(), max_size=60)
NEARLY = st.fixed_dictionaries(
    {"inputs": TEXTS | st.lists(TEXTS, max_size=4) | st.lists(TEXTS | VALUES, max_size=3) | VALUES},
    optional={"parameters": VALUES | st.fixed_dictionaries({"top_k": st.integers(-2, 9) | VALUES}), "more": VALUES},
)
BODIES = st.binary(max_size=80) | (VALUES | NEARLY).map(lambda value: json.dumps(value).encode())


@settings(max_examples=400, deadline=None)
@given(body=BODIES)
def test_any_body_is_answered_or_the_clients_mistake(server: Server, body: bytes) -> None:
    reply = server.request("POST", "/invocations", body, content_type="application/json")
    assert reply.status in (200, 400)
    if reply.status == 400:
        assert reply.json.keys() == {"error"}
    else:
        first = reply.json[0]
        assert set(first if isinstance(first, dict) else first[0]) == {"label", "score"}


def test_answers_several_clients_at_once(server: Server, predictor: Predictor) -> None:
    texts = [f"film {number}" for number in range(12)]
    wrong: list[object] = []

    def ask() -> None:
        with closing(Server(server.process, server.port)) as client:
            for text, (best,) in zip(texts, predictor.predict(texts), strict=True):
                reply = client.invoke({"inputs": text})
                if reply.json != [best._asdict()]:
                    wrong.append(reply)

    clients = [threading.Thread(target=ask) for _ in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert wrong == []


def test_a_model_that_cannot_answer_is_unhealthy_and_our_fault(tmp_path: Path) -> None:
    tiny_artifact(tmp_path / "tiny", LABELS, bias=[0, float("nan"), 0])
    with serving(tmp_path / "tiny" / "model", tmp_path / "log") as server:
        assert server.request("GET", "/ping").status == 503
        reply = server.invoke({"inputs": "x"})
        assert (reply.status, reply.json) == (500, {"error": "the model failed on this input"})
        # What was wrong is for the log, not for the client.
        assert "not finite" in (tmp_path / "log").read_text()


def run(model_dir: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m serving ARGUMENTS`, expected to end by itself."""
    command = [sys.executable, "-m", "serving", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(model_dir), capture_output=True, timeout=120)


def test_does_not_start_with_a_bad_model(edited: Callable[..., Path]) -> None:
    ended = run(edited(format=2))
    assert ended.returncode == 1
    assert b"format must be 1" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_knows_one_argument(model_dir: Path) -> None:
    ended = run(model_dir, "train")
    assert ended.returncode == 2
    assert b"usage" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_told(model_dir: Path, tmp_path: Path, number: signal.Signals) -> None:
    with serving(model_dir, tmp_path / "log") as server:
        server.invoke({"inputs": "x"})
        server.process.send_signal(number)
        assert server.process.wait(60) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
