"""What an image's endpoint is asked, over HTTP: pictures in each form, and what is refused in words."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
from typing import Any

import pytest
from huggingface_hub import InferenceClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.formats import ClientError
from tasks.image.picture import canonical
from tasks.image.requests import MAX_PICTURES, PICTURES, parse
from tests.serving.conftest import Reply, Server
from tests.tasks.image.conftest import Trained
from tests.tasks.image.jobs import LABELS, drawing, encoded

DRAW = random.Random(11)
# As cameras and programs save them, which Prepare would keep in another form: turned by EXIF, see-through, large.
LARGE = drawing("disc", DRAW).resize((900, 1300))
TURNED = Image.Exif()
TURNED[0x0112] = 6
FILES = {
    "plain PNG": encoded(drawing("bar", DRAW), "PNG"),
    "turned JPEG": encoded(drawing("pole", DRAW), "JPEG", quality=90, exif=TURNED),
    "large JPEG": encoded(LARGE, "JPEG"),
    "PNG with alpha": encoded(drawing("disc", DRAW).convert("RGBA"), "PNG"),
    "WebP": encoded(drawing("bar", DRAW), "WEBP"),
    "grey PNG": encoded(drawing("pole", DRAW).convert("L"), "PNG"),
}
BROKEN = FILES["plain PNG"][:60]


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def post(server: Server, body: bytes, content_type: str, accept: str = "application/json") -> Reply:
    return server.request("POST", "/invocations", body, content_type=content_type, accept=accept)


def error(reply: Reply, status: int = 400) -> str:
    assert reply.status == status, reply.body
    said: str = reply.json["error"]
    return said


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_answered_alike_by_each_way(server: Server, trained: Trained, name: str) -> None:
    """To the last bit: as the gate is answered about the row that Prepare makes of the file."""
    content = FILES[name]
    (best,) = trained.predictor.best([{"image": text(canonical(content).content)}])
    expected = post(server, content, "image/jpeg").json
    assert [answer["label"] for answer in expected[:1]] == [best.label]
    assert expected[0]["score"] == best.score
    assert {answer["label"] for answer in expected} == {*LABELS}
    assert sum(answer["score"] for answer in expected) == pytest.approx(1, abs=1e-6)
    for content_type in (*PICTURES, "image/png; charset=binary", "IMAGE/JPEG"):
        assert post(server, content, content_type).json == expected
    kept = canonical(content).content
    for letters in (
        text(content),
        text(kept),
        f"data:image/png;base64,{text(content)}",
        base64.encodebytes(content).decode(),
    ):
        assert server.invoke({"inputs": letters}).json == expected
        assert server.invoke({"inputs": [letters]}).json == [expected]
    lines = f"{json.dumps(text(content))}\n{json.dumps({'inputs': text(kept)})}\n".encode()
    answers = post(server, lines, "application/jsonlines", "application/jsonlines").body.decode().splitlines()
    assert [json.loads(line) for line in answers] == [expected, expected]


def test_many_are_answered_as_each_alone(server: Server) -> None:
    every = [server.invoke({"inputs": text(content)}).json for content in FILES.values()]
    assert server.invoke({"inputs": [text(content) for content in FILES.values()]}).json == every
    assert len({answers[0]["score"] for answers in every}) == len(every)


def test_gives_as_many_labels_as_are_asked_for(server: Server) -> None:
    inputs = text(FILES["plain PNG"])
    (best,) = server.invoke({"inputs": inputs, "parameters": {"top_k": 1}}).json
    every = server.invoke({"inputs": inputs, "parameters": {"top_k": None}}).json
    assert len(every) == len(LABELS)
    assert every[0] == best
    assert [answer["score"] for answer in every] == sorted((answer["score"] for answer in every), reverse=True)


def test_answers_as_csv(server: Server) -> None:
    body = json.dumps({"inputs": [text(FILES["WebP"])], "parameters": {"top_k": 1}}).encode()
    (row,) = csv.reader(io.StringIO(post(server, body, "", "text/csv").body.decode()))
    assert row[0] in LABELS


def test_answers_the_hub_s_own_client(server: Server) -> None:
    client = InferenceClient(model=f"http://127.0.0.1:{server.port}/invocations")
    expected = post(server, FILES["large JPEG"], "image/jpeg").json
    by_label = [{"label": answer.label, "score": answer.score} for answer in _ask(client, None)]
    assert by_label == expected
    assert [answer.label for answer in _ask(client, 1)] == [expected[0]["label"]]


def _ask(client: InferenceClient, top_k: int | None) -> list[Any]:
    found: list[Any] = client.image_classification(FILES["large JPEG"], top_k=top_k)
    return found


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"inputs": [text(FILES["WebP"]), text(BROKEN)]}, '"inputs"[1]: it is cut off or damaged as PNG'),
        ({"inputs": text(b"hello")}, '"inputs": it is no picture of a format that is read'),
        ({"inputs": text(b"%PDF-1.7")}, "it is a PDF document"),
        ({"inputs": ""}, '"inputs": it is empty'),
        ({"inputs": "no base64!"}, '"inputs" is not the base64 of a picture'),
        ({"inputs": "http://example.com/cat.jpg"}, '"inputs" is not the base64 of a picture'),
        ({"inputs": "data:image/svg+xml,<svg/>"}, "begins with data:, but not of base64"),
        ({"inputs": []}, '"inputs" has no pictures'),
        ({"inputs": [3]}, '"inputs"[0] must be the base64 of a picture'),
        ({"inputs": {"image": "a"}}, '"inputs" must be the base64 of a picture, or a list of those'),
        ({"inputs": "", "parameters": {"top_k": 0}}, '"top_k" must be a whole number'),
        ({"inputs": "", "parameters": {"function_to_apply": "none"}}, "unknown key"),
        ({"inputs": "", "more": 1}, 'the body has the unknown key "more"'),
        ([1], 'must be an object with "inputs"'),
    ],
)
def test_refuses_in_words(server: Server, message: Any, words: str) -> None:
    assert words in error(server.invoke(message))


def test_refuses_what_is_no_picture(server: Server) -> None:
    assert "the picture: it is cut off" in error(post(server, BROKEN, "image/png"))
    assert "the picture: it is empty" in error(post(server, b"", "image/png"))
    frames = encoded(drawing("bar", DRAW), "GIF", save_all=True, append_images=[drawing("disc", DRAW)])
    assert "several frames" in error(post(server, frames, "application/x-image"))
    many = Image.new("1", (10_000, 6_000))
    assert "over the limit" in error(post(server, encoded(many, "PNG"), "image/png"))
    for content_type in ("text/csv", "text/plain"):
        assert f"a picture is no {content_type}: send its bytes as image/jpeg" in error(
            post(server, b"a", content_type), 415
        )
    assert "image/webp, application/x-image, application/json" in error(post(server, b"a", "image/gif"), 415)
    assert 'line 2 has the unknown key "x"' in error(
        post(server, b'"aaaa"\n{"inputs": "aaaa", "x": 1}', "application/jsonlines")
    )
    assert "4194304" in error(post(server, b"a" * (4 * 2**20 + 1), "image/jpeg"), 413)


def test_refuses_too_many(server: Server) -> None:
    one = text(encoded(Image.new("RGB", (8, 8)), "PNG"))
    assert len(server.invoke({"inputs": [one] * MAX_PICTURES}).json) == MAX_PICTURES
    assert f"at most {MAX_PICTURES} are answered at once" in error(
        server.invoke({"inputs": [one] * (MAX_PICTURES + 1)}), 413
    )


def test_refuses_too_many_pixels_together(server: Server) -> None:
    large = text(encoded(Image.new("1", (6_000, 6_000)), "PNG"))
    assert "100,000,000 pixels together" in error(server.invoke({"inputs": [large] * 3}), 413)


def test_a_server_that_refused_answers_the_next(server: Server) -> None:
    assert post(server, BROKEN, "image/png").status == 400
    assert post(server, FILES["WebP"], "image/webp").status == 200
    assert server.request("GET", "/ping").status == 200


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9).map(text)
ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["inputs", "x"]), inner)
)


@settings(max_examples=100, deadline=None)
@given(message=ANYTHING | st.fixed_dictionaries({"inputs": ANYTHING}))
def test_anything_is_read_or_refused(message: Any) -> None:
    for content_type in ("application/json", "application/jsonlines", "text/csv"):
        try:
            pictures = parse(content_type, json.dumps(message).encode()).pictures
        except ClientError:
            continue
        assert pictures
        assert all(isinstance(picture.content, bytes) for picture in pictures)
