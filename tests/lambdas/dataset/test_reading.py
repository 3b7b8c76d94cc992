"""Every kind of file that people drop, and every way in which one can be broken."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data.records import FileRejected, RowRejected, RowSetAside
from lambdas.dataset.reading import read_rows

COLUMNS = ["text", "label"]
ROWS = [{"text": 'good, "fine"\nfilm', "label": "pos"}, {"text": "schlecht – très", "label": "neg"}]


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def read(name: str, body: bytes) -> list[tuple[int, Any]]:
    return list(read_rows(f"landing/{name}", io.BytesIO(body), COLUMNS))


def places(found: list[tuple[int, Any]]) -> dict[int, str]:
    """The reasons of the rejected rows by place."""
    return {place: str(row) for place, row in found if isinstance(row, RowRejected)}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.csv", as_csv(ROWS)),
        ("A.CSV", as_csv(ROWS)),
        ("a.jsonl", as_lines(ROWS)),
        ("a.json", as_lines(ROWS)),
        ("array.json", json.dumps(ROWS).encode()),
        ("pretty.json", ("\n \n" + json.dumps(ROWS, indent=2)).encode()),
    ],
)
def test_all_kinds_give_the_same_rows(name: str, body: bytes, encoding: str, compressed: bool) -> None:
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""  # the other codecs write their own
    content = mark + body.decode().encode(encoding)
    found = read(f"{name}.gz", gzip.compress(content)) if compressed else read(name, content)
    assert [row for _, row in found] == ROWS


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=10))
def test_any_text_survives_csv_and_json(texts: list[str]) -> None:
    rows = [{"text": text, "label": "a"} for text in texts]
    for name, body in (("a.csv", as_csv(rows)), ("a.jsonl", as_lines(rows)), ("b.json", json.dumps(rows).encode())):
        assert [row for _, row in read(name, body)] == rows


def test_a_row_s_place_is_where_a_person_finds_it() -> None:
    body = b'text,label\n"two\nlines",a\n\nlast,b\n'
    assert [place for place, _ in read("a.csv", body)] == [3, 5]
    assert [place for place, _ in read("a.jsonl", b'{"text":1}\n\n{"text":2}\n')] == [1, 3]
    assert [place for place, _ in read("a.json", b'[{"text":1},{"text":2}]')] == [1, 2]


def test_further_columns_and_blanks_around_names_do_no_harm() -> None:
    found = read("a.csv", b"id, label ,text\r\n7,pos,fine\r\n")
    assert found == [(2, {"id": "7", "label": "pos", "text": "fine"})]


def test_ragged_rows_are_rejected_one_by_one() -> None:
    found = read("a.csv", b"text,label\na,b,c\nalone\nfine,pos\n")
    assert places(found) == {
        2: "3 cells where the first line names 2 columns: quote commas",
        3: "1 cells where the first line names 2 columns: give the row all of them",
    }
    assert found[2] == (4, {"text": "fine", "label": "pos"})


def test_broken_json_lines_are_rejected_one_by_one() -> None:
    deep = b'{"text":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    huge = b'{"text":' + b"9" * 5000 + b"}"
    found = read(
        "a.jsonl", b"\n".join([b'{"text": "a"', b"3", b'["a"]', deep, huge, b"null", b'{"text":"x","label":"y"}'])
    )
    reasons = places(found)
    assert sorted(reasons) == [1, 2, 3, 4, 6]
    assert found[4] == (5, {"text": "9" * 5000})
    assert "not JSON (" in reasons[1]
    assert {reasons[place].split(":")[0] for place in (2, 3, 6)} == {"not an object with columns"}
    assert "nested too deeply" in reasons[4]
    assert found[-1] == (7, {"text": "x", "label": "y"})


def test_a_deep_element_of_an_array_is_rejected_by_itself() -> None:
    deep = b'{"text":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    found = read("a.json", b'[{"text":"a","label":"b"},' + deep + b',{"text":"x","label":"y"}]')
    assert places(found) == {2: "JSON nested too deeply: write each row as one flat object"}
    assert [found[0][1], found[2][1]] == [{"text": "a", "label": "b"}, {"text": "x", "label": "y"}]


def test_scalars_in_an_array_are_rejected_one_by_one() -> None:
    found = read("a.json", b'[1, "two", [3], null, {"text": "x", "label": "y"}]')
    assert sorted(places(found)) == [1, 2, 3, 4]
    assert found[-1] == (5, {"text": "x", "label": "y"})


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*COLUMNS, "x", 'x":', "\u00fc"]),
            st.sampled_from(["", " ", "\t", "\r\n"]),
            st.text(max_size=5) | st.sampled_from(['a": b', "12:30", {"text": {"text": 1}}, [":", 2.5]]),
        ),
        max_size=5,
    )
)
def test_an_object_is_read_as_the_json_module_does_unless_it_names_a_column_twice(
    pairs: list[tuple[str, str, object]],
) -> None:
    body = ",".join(f"{json.dumps(name)}{blank}:{blank}{json.dumps(value)}" for name, blank, value in pairs)
    ((_, found),) = read("a.json", f"[{{{body}}}]".encode())
    names = [name for name, *_ in pairs]
    twice = [column for column in COLUMNS if names.count(column) > 1]
    if twice:
        assert isinstance(found, RowRejected)
        assert (found.rule, str(found)) == ("key-twice", f"key {twice[0]!r} twice: keep one")
    else:
        assert found == json.loads(f"{{{body}}}")


@pytest.mark.parametrize(
    "line",
    [
        '{"text":"a","label":"b","text":"c"}',
        '{"text":"a","label":"b","t\\u0065xt":"a"}',
        '{"text" :"at 12:30","label"\t: "b" , "label" :"b"}',
        f'{{"x":{"9" * 5_000},"text":"a","label":"b","label":"c"}}',
    ],
)
def test_a_column_that_comes_twice_costs_its_row_alone(line: str) -> None:
    good = '{"text":"x","label":"y"}'
    for name, body in (("a.jsonl", f"{good}\n{line}\n{good}"), ("a.json", f"[{good},{line},{good}]")):
        assert [getattr(row, "rule", row) for _, row in read(name, body.encode())] == [
            {"text": "x", "label": "y"}, "key-twice", {"text": "x", "label": "y"},
        ]  # fmt: skip


def test_a_value_that_is_no_text_is_left_to_the_contract() -> None:
    assert read("a.jsonl", b'{"text": {"deep": [1]}, "label": 2.5}') == [(1, {"text": {"deep": [1]}, "label": 2.5})]
    assert read("a.json", b'[{"text": {"deep": [1]}, "label": 2.5}]') == [(1, {"text": {"deep": [1]}, "label": 2.5})]


def test_one_object_over_many_lines_is_not_rows() -> None:
    assert all(isinstance(row, RowRejected) for _, row in read("a.json", json.dumps(ROWS[0], indent=1).encode()))


@pytest.mark.parametrize(
    ("name", "body"), [("a.csv", b"text,label\n"), ("a.json", b""), ("a.json", b"[]"), ("a.jsonl", b"\n\n")]
)
def test_a_file_without_rows_has_none(name: str, body: bytes) -> None:
    assert read(name, body) == []


LONG_NAMES = b"x" * 5_000_000 + b"\nrow\n"


HUGE_LINE = b'{"text": "' + b"x" * 1_000_000 + b'"}\n'


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv.gz", b"", "the file is empty"),
        ("a.parquet", b"PAR1", "unknown kind of file: name it .csv, .json, .jsonl"),
        ("a", b"text,label\n", "unknown kind of file"),
        ("a.csv", b"text|label\na|b\n", r"no column 'text', 'label' .* which names 1 column: separate"),
        ("a.csv", b"a,b\nc,d\n", "name the columns in its first line; has it no header"),
        ("a.csv", b"text,Label,LABEL\na,b,c\n", "no column 'label' .* which of 'Label', 'LABEL' is meant"),
        (
            "a.csv",
            b"text,sentiment\na,b\n",
            "no column 'label' in the first line, which names 2 columns",
        ),
        ("a.csv", b"text,label,text\na,b,c\n", "column 'text' twice in the first line"),
        ("a.csv", LONG_NAMES, "no column 'text', 'label'"),
        ("a.csv", b'"text,label\n', "begins in line 1: .*check the quotes"),
        (
            "a.csv",
            "text,label\nnaïve,a\n".encode("latin-1"),
            r'not UTF-8 \(byte 0xef in line 2\).* "CSV UTF-8 \(Comma delimited\) \(\*.csv\)"',
        ),
        ("a.csv", b"\xff\xfe" + "text,label\na,b\n".encode("utf-16-le")[:-1], "not UTF-16, as its first two bytes say"),
        ("a.csv", gzip.compress(as_csv(ROWS), mtime=0), "gzip inside: .* let its name end in .gz"),
        ("a.jsonl", b'{"text": "\xff"}', "not UTF-8"),
        ("a.csv.gz", as_csv(ROWS), "not a whole gzip file"),
        ("a.csv.gz", gzip.compress(as_csv(ROWS * 100), mtime=0)[:-9], "not a whole gzip file"),
        ("a.json.gz", gzip.compress(json.dumps(ROWS * 100).encode(), mtime=0)[:-9], "not a whole gzip file"),
        ("a.csv.gz", gzip.compress(as_csv(ROWS), mtime=0)[:20] + b"junk" * 9, "not a whole gzip file"),
        ("a.json", b'[{"text": "a", "label": "b"}', "not a JSON array of objects"),
        ("a.json", b'[{"text": "a"}] tail', "not a JSON array of objects"),
        ("a.json", b'[{"text": "\xff"}]', "not a JSON array of objects|not UTF-8"),
        ("a.json", b'[{"a":' * 100_000, "not a JSON array of objects"),
        ("a.json", b'[{"text": "' + b"x" * 10_000_001, "element 1 has over 10,000,000 characters"),
        ("a.csv", "text,label\na,b\n".encode("utf-32"), "UTF-32 is not read"),
        ("a.csv", "text,label\na,b\n".encode("utf-16-le"), "UTF-16 without a byte order mark: save the file as UTF-8"),
        ("a.csv", b"PK\x03\x04" + bytes(100), "a zip archive or an Excel workbook: save the sheet as CSV"),
        ("a.csv.gz", gzip.compress(gzip.compress(as_csv(ROWS), mtime=0), mtime=0), "gzip inside: compress it once"),
        ("a.jsonl.gz", gzip.compress(HUGE_LINE, mtime=0) * 200, "over 100 times its size"),
        ("a.jsonl", b'{"text": "' + b"x" * 10_000_001, "line 1 has over 10,000,000 characters"),
        ("a.csv", b"text,label\n" + b"x" * 10_000_001, "line 2 has over 10,000,000 characters"),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else value[:30],
)
def test_a_file_that_cannot_be_read_says_why(name: str, body: bytes, why: str) -> None:
    with pytest.raises(FileRejected, match=why) as refused:
        read(name, body)
    assert len(str(refused.value)) < 2000


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b'text, label\n"a", "pos"\n"b","pos"\n', ["a", "b"]),
        (b'label, text\npos, "a, b"\n', ["a, b"]),
        (b'label, text\npos, "a\nb" \nneg, "55 inch\nneg, x\n', ["a\nb", ' "55 inch', " x"]),
        (b'label, text\npos, "great" film\n', [' "great" film']),
        (b'text,label\n"x\n, ""y"" ", "z"\n', ['x\n, "y" ']),
        (b"\n , \n\nsep=;\n\ntext;label \na,x;pos\n;;;\n ; \n\t\n", ["a,x"]),
        (b'"sep=|"\r\ntext|label\r\na|b\r\n', ["a"]),
        (b'text\tlabel\n"a"\t "b c"\t\n', ["a"]),
    ],
)
def test_csv_is_read_as_people_have_it(body: bytes, rows: list[str]) -> None:
    assert [row["text"] for _, row in read("a.csv", body)] == rows


def test_a_header_that_comes_again_is_set_aside_and_its_order_counts() -> None:
    found = read("a.csv", b"text,label\na,pos\ntext,label\nb,neg\n\xef\xbb\xbflabel,text\npos,c\n")
    assert [(place, row.rule) for place, row in found if isinstance(row, RowSetAside)] == [
        (3, "header-again"), (5, "header-again"),
    ]  # fmt: skip
    assert [row for _, row in found if isinstance(row, dict)] == [
        {"text": "a", "label": "pos"}, {"text": "b", "label": "neg"}, {"text": "c", "label": "pos"},
    ]  # fmt: skip


def test_a_column_in_other_case_is_used_and_told() -> None:
    (notice, row) = read("a.csv", b"Text,label\na,pos\n")
    assert notice == (1, "its column 'Text' was taken for 'text'")
    assert row == (2, {"text": "a", "label": "pos"})


def test_an_open_quote_costs_the_rest_and_a_quote_within_its_row() -> None:
    found = read("a.csv", b'text,label\nok,a\n"a"b,pos\nc,d\n"open,pos\nx,y\nz')
    assert [(place, row.rule, row.rows) for place, row in found if isinstance(row, RowRejected)] == [
        (3, "quotes", 1), (5, "quotes", 3),
    ]  # fmt: skip
    assert "Lines 5 to 7 are not used" in str(found[-1][1])
    assert [row["text"] for _, row in found if isinstance(row, dict)] == ["ok", "c"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5_000])
def test_an_array_takes_what_json_lines_take(number: str) -> None:
    line = f'{{"text":"c","label":"d","score":{number}}}'
    (lines,), (array,) = read("a.jsonl", line.encode()), read("a.json", f"[{line}]".encode())
    assert repr(lines) == repr(array)
    assert array[1]["text"] == "c"


@pytest.mark.parametrize("size", [1, 100, 65_530, 65_536, 200_000])
def test_an_element_is_whole_wherever_the_pieces_end(size: int) -> None:
    texts = ['x" ]},[{\\' * (size // 8 + 1), "é" * size, "last"]
    body = json.dumps([{"text": text, "deep": [{"a": ["]"]}]} for text in texts], ensure_ascii=False)
    assert [row["text"] for _, row in read("a.json", body.encode())] == texts


def test_rows_before_the_break_are_given_before_the_file_is_refused() -> None:
    rows = read_rows("landing/a.json", io.BytesIO(b'[{"text": "a", "label": "b"}, {"text"'), COLUMNS)
    assert next(rows) == (1, {"text": "a", "label": "b"})
    with pytest.raises(FileRejected):
        next(rows)


def test_a_cell_longer_than_the_csv_module_s_own_limit_is_one_row_s_affair() -> None:
    long = "x" * 200_000
    assert read("a.csv", f"text,label\n{long},a\nfine,b\n".encode()) == [
        (2, {"text": long, "label": "a"}),
        (3, {"text": "fine", "label": "b"}),
    ]


class _Endless(io.RawIOBase):
    """A file of so many bytes, made as it is read."""

    def __init__(self, unit: bytes, times: int, head: bytes = b"", tail: bytes = b"") -> None:
        self._pieces = self._make(unit, times, head, tail)
        self._rest = b""
        self.given = 0

    @staticmethod
    def _make(unit: bytes, times: int, head: bytes, tail: bytes) -> Iterator[bytes]:
        yield head
        for _ in range(times // 100):
            yield unit * 100
        yield tail

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        self.given += size
        return size


@pytest.mark.parametrize(
    ("name", "unit", "head", "tail"),
    [
        ("a.csv", b"some words of a row,a\n", b"text,label\n", b""),
        ("a.csv", "some words of a row,a\n".encode("utf-16-le"), "\ufefftext,label\n".encode("utf-16-le"), b""),
        ("a.jsonl", b'{"text":"some words","label":"a"}\n', b"", b""),
        ("a.json", b'{"text":"some words","label":"a"},', b"[", b'{"text":"z","label":"a"}]'),
    ],
)
def test_memory_does_not_grow_with_the_file(name: str, unit: bytes, head: bytes, tail: bytes) -> None:
    peaks = []
    for times in (2_000, 20_000):
        tracemalloc.start()
        count = sum(1 for _ in read_rows(name, io.BufferedReader(_Endless(unit, times, head, tail)), COLUMNS))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count >= times
    assert peaks[1] < 1.5 * peaks[0] + 100_000


@pytest.mark.parametrize(("name", "head"), [("a.csv", b"text,label\n"), ("a.jsonl", b""), ("a.json", b'[{"text":"')])
def test_of_a_line_of_200_mb_no_more_is_read_than_the_limit(name: str, head: bytes) -> None:
    stream = _Endless(b"x" * 1_000, 200_000, head)
    tracemalloc.start()
    with pytest.raises(FileRejected) as refused:
        list(read_rows(name, io.BufferedReader(stream), COLUMNS))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.rule == "row-too-long"
    assert stream.given < 11_000_000
    assert peak < 100_000_000
