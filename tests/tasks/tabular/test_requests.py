"""What a table's endpoint is asked, over HTTP: rows in each form, unknown categories, and what is refused in words."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
from huggingface_hub import InferenceClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.formats import ClientError
from tasks.tabular.requests import MAX_ROWS, parse
from tasks.tabular.table import columns
from tests.serving.conftest import Reply, Server
from tests.tasks.tabular.conftest import Trained
from tests.tasks.tabular.jobs import rows_of, schema_of

SCHEMA = schema_of("cancer")
# As a file has it, and not as it was read: without the label, and with what is missing as null.
ROWS = [{name: value for name, value in row.items() if name != "label"} for row in rows_of("cancer")[:5]]
SMALL = columns({"age": "number", "city": "category"})


def as_csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def post(server: Server, body: bytes, content_type: str, accept: str = "application/json") -> Reply:
    return server.request("POST", "/invocations", body, content_type=content_type, accept=accept)


def error(reply: Reply, status: int = 400) -> str:
    assert reply.status == status
    said: str = reply.json["error"]
    return said


@pytest.fixture(scope="module")
def expected(server: Server) -> list[list[dict[str, Any]]]:
    """The answers to ROWS."""
    reply = server.invoke({"inputs": ROWS})
    assert reply.status == 200
    answers: list[list[dict[str, Any]]] = reply.json
    return answers


def test_answers_rows(cancer: Trained, expected: list[list[dict[str, Any]]]) -> None:
    """As the gate is answered about the same rows of the dataset."""
    best = cancer.predictor.best([row.features for row, _ in cancer.rows[: len(ROWS)]])
    assert [answers[0]["label"] for answers in expected] == [answer.label for answer in best]
    assert [answers[0]["score"] for answers in expected] == pytest.approx([answer.score for answer in best], abs=1e-6)
    assert len({answer.label for answer in best}) == 2 or len({answer.score for answer in best}) > 1


def test_answers_the_same_in_each_form(server: Server, expected: list[list[dict[str, Any]]]) -> None:
    by_column = {name: [row[name] for row in ROWS] for name in SCHEMA}
    lines = [[row[name] for name in SCHEMA] for row in ROWS]
    texts = [{name: str(value) for name, value in row.items() if value is not None} for row in ROWS]
    backwards = [*reversed(SCHEMA)]
    asked: list[tuple[bytes, str]] = [
        *(
            (json.dumps(message).encode(), "application/json")
            for message in (
                {"inputs": texts},
                {"inputs": {"data": by_column}},
                {"table": by_column},
                {"inputs": [dict(reversed(row.items())) for row in ROWS], "options": {"wait_for_model": True}},
            )
        ),
        (as_csv([SCHEMA, *lines]), "text/csv"),
        (as_csv([SCHEMA, *lines]), "text/csv; header=present"),
        (as_csv(lines), "text/csv"),
        (as_csv(lines), "text/csv; header=absent"),
        (as_csv([backwards, *([row[name] for name in backwards] for row in ROWS)]), "text/csv"),
        ("\n".join(map(json.dumps, ROWS)).encode(), "application/jsonlines"),
        ("".join(json.dumps({"inputs": row}) + "\n" for row in ROWS).encode(), "application/jsonlines"),
    ]
    for body, content_type in asked:
        assert post(server, body, content_type).json == expected


def test_answers_one_row_with_one_list(server: Server, expected: list[list[dict[str, Any]]]) -> None:
    assert server.invoke({"inputs": ROWS[0]}).json == expected[0]


def test_answers_in_each_form(server: Server, expected: list[list[dict[str, Any]]]) -> None:
    body = json.dumps({"inputs": ROWS}).encode()
    lines = post(server, body, "", "application/jsonlines").body.decode().splitlines()
    assert [json.loads(line) for line in lines] == expected
    cells = list(csv.reader(io.StringIO(post(server, body, "", "text/csv").body.decode())))
    assert cells == [[answers[0]["label"], str(answers[0]["score"])] for answers in expected]


def test_answers_the_hub_s_own_client(server: Server, expected: list[list[dict[str, Any]]]) -> None:
    client = InferenceClient(model=f"http://127.0.0.1:{server.port}/invocations")
    answers: Any = client.tabular_classification({name: [row[name] for row in ROWS] for name in SCHEMA})
    assert answers == expected


def test_gives_as_many_labels_as_are_asked_for(server: Server, cancer: Trained) -> None:
    for parameters in ({"top_k": 2}, {"top_k": None}, {"return_all_scores": True}):
        (answers,) = server.invoke({"inputs": ROWS[:1], "parameters": parameters}).json
        assert {answer["label"] for answer in answers} == {*cancer.predictor.manifest.own["labels"]}
        assert sum(answer["score"] for answer in answers) == pytest.approx(1, abs=1e-5)
        assert answers[0]["score"] >= answers[1]["score"]


def test_numbers_are_answered_with_the_name_of_what_is_predicted(diabetes: Trained) -> None:
    body = json.dumps({"inputs": [row.features for row, _ in diabetes.rows[:3]]}).encode()
    answers, said = diabetes.predictor.respond("application/json", body, "application/json")
    expected = diabetes.predictor.best([row.features for row, _ in diabetes.rows[:3]])
    assert json.loads(answers) == [[{"label": "progress", "score": answer.score}] for answer in expected]
    assert len({answer.score for answer in expected}) == 3
    as_rows, _ = diabetes.predictor.respond("application/json", body, "text/csv")
    assert as_rows.decode().splitlines() == [f"progress,{answer.score}" for answer in expected]
    assert set(said) == {"unknown"}


def test_unknown_categories_are_answered_alike_and_counted(server: Server) -> None:
    one, other = ({**ROWS[0], "rare one": text, "size-class": text} for text in ("never seen", "nor this"))
    reply = server.invoke({"inputs": [one, other, {**ROWS[0], "rare one": None, "size-class": "class 100000"}]})
    assert reply.headers["x-amzn-sagemaker-custom-attributes"].endswith(";unknown=5")
    assert reply.json[0] == reply.json[1]
    known = server.invoke({"inputs": {**ROWS[0], "rare one": "a", "size-class": None}})
    assert known.headers["x-amzn-sagemaker-custom-attributes"].endswith(";unknown=0")


def test_values_may_be_missing(server: Server) -> None:
    answers = [server.invoke({"inputs": row}).json for row in ({}, dict.fromkeys(SCHEMA), {"mean area": "n/a"})]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"inputs": [ROWS[0], {**ROWS[0], "mean area": "big"}]}, "\"inputs\"[1]: column 'mean area' holds no number"),
        ({"inputs": {"mean area": True}}, 'digits and a decimal point, got "true"'),
        ({"inputs": {"mean area": [1]}}, "column 'mean area' holds a list"),
        ({"inputs": [{"mean area": 1, "meen area": 2}]}, '"inputs"[0] has the unknown column "meen area"; known are'),
        ({"inputs": {"label": "benign"}}, 'has the unknown column "label"'),
        ({"inputs": {"rare one": "a\0b"}}, "NUL"),
        ({"inputs": []}, '"inputs" has no rows'),
        ({"inputs": "mean area"}, '"inputs" must be a row'),
        ({"inputs": [3]}, '"inputs"[0] must be a row'),
        ({"inputs": {"data": {"mean area": [1], "rare one": ["a", "b"]}}}, 'has 1 for "mean area", 2 for "rare one"'),
        ({"inputs": {"data": {"mean area": 1}}}, 'must have a list of values for the column "mean area"'),
        ({"inputs": {"data": {"area": [1]}}}, '"inputs".data has the unknown column "area"'),
        ({"inputs": {"data": {}}}, "has no rows"),
        ({"inputs": {"data": {}, "more": 1}}, 'unknown key "more"'),
        ({"table": [1]}, '"table"[0] must be a row'),
        ({"inputs": ROWS, "parameters": {"top_k": 0}}, '"top_k" must be a whole number'),
        ({"inputs": ROWS, "parameters": {"function_to_apply": "none"}}, "unknown key"),
        ({"inputs": ROWS, "rows": 3}, 'the body has the unknown key "rows"'),
        ([1], 'must be an object with "inputs"'),
    ],
)
def test_refuses_in_words(server: Server, message: Any, words: str) -> None:
    assert words in error(server.invoke(message))


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (as_csv([["mean area", "area"], [1, 2]]), "text/csv", 'the first row has the unknown column "area"'),
        (as_csv([["mean area", "mean area"], [1, 2]]), "text/csv", 'names the column "mean area" twice'),
        (as_csv([["mean area", "rare one"], [1]]), "text/csv", "row 2 has 1 cells, not 2"),
        (as_csv([["mean area"], ["big"]]), "text/csv", "row 2: column 'mean area' holds no number"),
        (as_csv([[1, 2]]), "text/csv", "row 1 has 2 cells, not 32"),
        (as_csv([SCHEMA]), "text/csv; header=absent", "row 1: column 'mean radius' holds no number"),
        (b"", "text/csv", "has no rows"),
        (as_csv([SCHEMA]), "text/csv", "has no rows"),
        (b'"mean area', "text/csv", "the body is not CSV"),
        (b'{"mean area": 1}\n{"area": 1}', "application/jsonlines", 'line 2 has the unknown column "area"'),
        (b"3", "application/jsonlines", "line 1 must be a row"),
        (b'{"inputs": {"mean area": 1}, "more": 2}', "application/jsonlines", "unknown key"),
        (b"\xff", "application/json", "not UTF-8"),
    ],
)
def test_refuses_lines_in_words(server: Server, body: bytes, content_type: str, words: str) -> None:
    assert words in error(post(server, body, content_type))


def test_refuses_a_plain_text_and_too_many_rows(server: Server) -> None:
    assert "a table is no text/plain" in error(post(server, b"1,2", "text/plain"), 415)
    assert len(server.invoke({"inputs": [{}] * MAX_ROWS}).json) == MAX_ROWS
    assert f"at most {MAX_ROWS} are answered at once" in error(server.invoke({"inputs": [{}] * (MAX_ROWS + 1)}), 413)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())
ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["age", "city", "data", "x"]), inner)
)


@settings(max_examples=100, deadline=None)
@given(message=ANYTHING | st.fixed_dictionaries({"inputs": ANYTHING}) | st.fixed_dictionaries({"table": ANYTHING}))
def test_anything_is_answered_or_refused(message: Any) -> None:
    for content_type in ("application/json", "application/jsonlines", "text/csv"):
        try:
            rows = parse(content_type, json.dumps(message).encode(), SMALL).rows
        except ClientError:
            continue
        assert rows
        assert all(row.keys() <= {"age", "city"} and all(row.values()) for row in rows)
