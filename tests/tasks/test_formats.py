"""The media types in and out, beside JSON: what a body means, and which answer a client is given."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contract import Prediction
from tasks.formats import MEDIA_TYPES, ClientError, ContentType, accepted, content_type, write
from tasks.text.requests import MAX_TEXTS, parse

JSON, LINES, CSV, PLAIN = MEDIA_TYPES
ANSWER = [[Prediction("gut", 0.75), Prediction('a,"b"', 0.25)], [Prediction("x\ty\nz", 0.5)]]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ContentType(JSON)),
        (JSON, ContentType(JSON)),
        ("Application/JSON; charset=UTF-8", ContentType(JSON)),
        ('application/json;charset="utf-8";profile=x', ContentType(JSON)),
        ("text/csv", ContentType(CSV)),
        ("text/csv; charset=us-ascii; header=present", ContentType(CSV, "present")),
        ("TEXT/PLAIN;charset=utf8", ContentType(PLAIN)),
        ("application/jsonlines", ContentType(LINES)),
    ],
)
def test_reads_the_content_type(header: str, expected: ContentType) -> None:
    assert content_type(header) == expected


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("application/x-npy", "must be one of application/json, application/jsonlines, text/csv, text/plain"),
        ("text/csv; charset=latin-1", "charset must be utf-8"),
        ("text/csv; header=maybe", "present or absent"),
    ],
)
def test_refuses_a_content_type_in_words(header: str, reason: str) -> None:
    with pytest.raises(ClientError, match=reason) as caught:
        content_type(header)
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        (" , ", JSON),
        ("application/*", JSON),
        ("text/*", CSV),
        ("text/csv", CSV),
        ("Text/Plain; charset=utf-8", PLAIN),
        ("application/jsonlines", LINES),
        ("text/csv, */*", CSV),
        ("text/csv, application/json", CSV),
        ("text/csv;q=0.5, application/json;q=0.9", JSON),
        ("text/html, application/xml;q=0.9, */*;q=0.1", JSON),
        ("application/json;q=0, */*", LINES),
        ("text/csv;q=nonsense, application/json;q=0.5", CSV),
        ("text/csv;q=-1", CSV),
    ],
)
def test_gives_what_is_accepted(header: str, expected: str) -> None:
    assert accepted(header) == expected


@pytest.mark.parametrize("header", ["image/png", "application/x-npy", "text/csv;q=0", "*/*;q=0", "json", ";;"])
def test_says_what_it_can_give_instead(header: str) -> None:
    with pytest.raises(ClientError, match="the answer can be application/json") as caught:
        accepted(header)
    assert caught.value.status == 406


@given(header=st.text(max_size=40), kind=st.text(max_size=40))
def test_no_header_is_an_error_of_ours(header: str, kind: str) -> None:
    statuses = set()
    for read, value in ((accepted, header), (content_type, kind)):
        try:
            assert read(value)
        except ClientError as error:
            statuses.add(error.status)
    assert statuses <= {406, 415}


def texts(header: str, body: str | bytes, *features: str) -> list[str]:
    given_body = body.encode() if isinstance(body, str) else body
    return parse(header, given_body, features or ("text",)).texts


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        (CSV, "good\nbad\n", ["good", "bad"]),
        (CSV, 'good\r\n"a, b"\r\n""\r\n\r\n', ["good", "a, b", ""]),
        (CSV, '"two\nlines"', ["two\nlines"]),
        (CSV, b"\xef\xbb\xbftext\ngood\n", ["good"]),
        (CSV, "inputs\ngood\n", ["good"]),
        (CSV, "id,text ,label\n7,good,x\n8,bad\n", ["good", "bad"]),
        (f"{CSV}; header=absent", "text\ngood", ["text", "good"]),
        (f"{CSV}; header=present", "text\ngood", ["good"]),
        (PLAIN, "a film\nin two lines\n", ["a film\nin two lines"]),
        (PLAIN, b"\xef\xbb\xbfgood\r\n", ["good"]),
        (PLAIN, "", [""]),
        (LINES, '"good"\n{"inputs": "bad"}\r\n{"text": "dull", "label": 1}\n', ["good", "bad", "dull"]),
        (LINES, '"\u2028"', ["\u2028"]),
    ],
)
def test_reads_the_texts(header: str, body: str | bytes, expected: list[str]) -> None:
    assert texts(header, body) == expected


def test_features_become_one_text_in_their_order() -> None:
    assert texts(CSV, "a title,a body\n", "title", "body") == ["a title\na body"]
    assert texts(CSV, "body,x,title\na body,1,a title\n", "title", "body") == ["a title\na body"]
    assert texts(LINES, '{"body": "b", "title": "t"}', "title", "body") == ["t\nb"]


@pytest.mark.parametrize(
    ("header", "body", "status", "reason"),
    [
        (CSV, "", 400, "the body is empty"),
        (CSV, "text\n", 400, "the body is empty"),
        (CSV, "a, b\n", 400, r"row 1 has 2 cells, not 1: quote"),
        (CSV, "good\n\nbad\n", 400, "row 2 has 0 cells"),
        (CSV, "id,text\n7\n", 400, "row 2 has 1 cells, not 2"),
        (CSV, '"good', 400, "not CSV"),
        (f"{CSV}; header=present", "good\nbad\n", 400, "the first row must name"),
        (CSV, b"\xff", 400, "not UTF-8"),
        (PLAIN, b"\xff", 400, "not UTF-8"),
        (CSV, "x\n" * (MAX_TEXTS + 1), 413, "at most 256"),
        (LINES, "", 400, "the body is empty"),
        (LINES, '"a"\n\n"b"\n', 400, "line 2 is not JSON"),
        (LINES, '"a"\n{"inputs": "b", "parameters": {}}', 400, 'line 2 has beside inputs the key "parameters"'),
        (LINES, '{"text": 1}', 400, "line 1 must be a text"),
        (LINES, '{"txt": "a"}', 400, "line 1 must be a text"),
        (LINES, "NaN", 400, "line 1 is not JSON"),
        (LINES, '"\\ud800"', 400, "surrogate"),
        (LINES, "[" * 100_000, 400, "line 1 is nested too deeply"),
        (LINES, '"x"\n' * (MAX_TEXTS + 1), 413, "at most 256"),
    ],
)
def test_refuses_in_words(header: str, body: str | bytes, status: int, reason: str) -> None:
    with pytest.raises(ClientError, match=reason) as caught:
        texts(header, body)
    assert caught.value.status == status


def test_a_cell_may_be_as_long_as_a_body() -> None:
    assert texts(CSV, "x" * 1_000_000) == ["x" * 1_000_000]


def test_json_lines_are_a_line_per_text() -> None:
    lines = write(ANSWER, single=False, media_type=LINES).decode().splitlines()
    assert [json.loads(line) for line in lines] == [[item._asdict() for item in of_text] for of_text in ANSWER]


def test_csv_is_a_record_per_text() -> None:
    rows = list(csv.reader(io.StringIO(write(ANSWER, single=False, media_type=CSV).decode(), newline="")))
    assert rows == [["gut", "0.75", 'a,"b"', "0.25"], ["x\ty\nz", "0.5"]]


def test_plain_text_is_a_line_per_text_whatever_a_label_says() -> None:
    assert write(ANSWER, single=False, media_type=PLAIN) == b'gut\t0.75\ta,"b"\t0.25\nx\\ty\\nz\t0.5\n'


@given(
    rows=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=8),
    header=st.booleans(),
)
def test_what_python_s_csv_writes_is_read(rows: list[str], header: bool) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["text"]] * header + [[row] for row in rows])
    assert texts(f"{CSV}; header={'present' if header else 'absent'}", out.getvalue()) == rows
