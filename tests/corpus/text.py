"""Bad files of texts."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from tests.corpus.dropped import Corpus, Dropped, packed, partly, whole

TEXTS = tuple(f"review number {number}" for number in range(40))
_MB = 1_000_000
_HEAD = b"text,label\n"


def rows(texts: Iterable[str] = TEXTS) -> list[dict[str, object]]:
    """A row for each text, alternately labelled."""
    return [{"text": text, "label": ("pos", "neg")[number % 2]} for number, text in enumerate(texts)]


def as_csv(texts: Iterable[str] = TEXTS, end: str = "\r\n") -> bytes:
    """Those rows as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["text", "label"], lineterminator=end)
    writer.writeheader()
    writer.writerows(rows(texts))
    return out.getvalue().encode()


def as_lines(more: Iterable[object] = ()) -> bytes:
    """The good rows as JSON lines, and one for each of `more` in the middle (a str is a line as it stands)."""
    lines = [json.dumps(row) for row in rows()]
    lines[20:20] = [line if isinstance(line, str) else json.dumps(line) for line in more]
    return "\n".join(lines).encode()


def as_array(more: Iterable[object] = ()) -> bytes:
    """The same as one JSON array."""
    return b"[" + as_lines(more).replace(b"\n", b",") + b"]"


def _partly(name: str, make: Callable[[], bytes], texts: tuple[str, ...] = TEXTS, **rejected: int) -> Dropped:
    return partly(name, make, [(str(row["text"]), str(row["label"])) for row in rows(texts)], None, **rejected)


def _number(value: str) -> str:
    return f'{{"text":"a","label":{value}}}'


_INFINITE = tuple(_number(value) for value in ("Infinity", "-Infinity", "1e400"))


def _quoted(form: str) -> bytes:
    return "".join(form.format(row["text"], row["label"]) + "\n" for row in rows()).encode()


_OPEN = b'{"text":"'
_NO_LABEL: tuple[dict[str, str | None], ...] = ({"text": "a"}, {"label": "b"}, {"text": None, "label": "b"}, {})
_OPEN_CELLS = (b'"' + b"x" * 96 + b'\n",') * 10_000
_UTF16 = codecs.BOM_UTF16_BE
_LONG_LINES = (b"x" * 99 + b"\n") * 10_000
_DEEP = '{"text":' + "[" * 10_000 + "]" * 10_000 + ',"label":"pos"}'
_MANY = ",".join(f"c{number}" for number in range(10_000))
_LINES_AND_QUOTES = tuple(f'said "{number}",\nthen\r\nwent' for number in range(40))
_FLAT = tuple(f'said "{number}", then went' for number in range(40))
_COMMAS_WITHIN = tuple(f"one, two, {number}" for number in range(40))
_PNG, _JPEG = (magic + bytes(99) for magic in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"))
_TWICE = ('{"text":"a","text":"b","label":"pos"}', '{"text":"a: b","label" :"pos","label":"pos"}')
_COMMAS = "separate columns with commas, semicolons or tabs"

_WHOLLY_BAD = (
    # Nothing in it
    whole("empty.csv", lambda: b"", "header", "the file is empty: name the columns in its first line"),
    whole("empty.csv.gz", lambda: gzip.compress(b""), "header", "the file is empty"),
    whole("header alone.csv", lambda: _HEAD, "no-rows", "no rows: the file is empty"),
    whole("blank lines.jsonl", lambda: b"\n \n\n", "no-rows", "no rows: the file is empty"),
    whole("empty array.json", lambda: b"[]", "no-rows", "no rows: the file is empty"),
    # Another table than the one that is expected
    whole("pipes.csv", lambda: as_csv().replace(b",", b"|"), "header", _COMMAS),
    whole("other columns.csv", lambda: b"body,stars\na,1\n", "header", "no column 'text', 'label'"),
    whole("no header.csv", lambda: as_csv().removeprefix(b"text,label\r\n"), "header", "has it no header?"),
    whole("which label.csv", lambda: b"text,Label,LABEL\na,b,c\n", "header", "which of 'Label', 'LABEL' is meant?"),
    whole("open header.csv", lambda: b'"text,label\na,b\n', "quotes", "the row that begins in line 1"),
    whole("column twice.csv", lambda: b"text,label,text\na,b,c\n", "header", "column 'text' twice"),
    whole("web page.csv", lambda: b"<!DOCTYPE html>\n<html>\n", "header", "no column"),
    whole("free text.csv", lambda: as_csv(["x"]) + b"".join(b"a,l%d\n" % n for n in range(10_001)),
           "too-many-labels", "is 'label' their column? Name it in data.label"),
    # Another encoding
    whole("latin.csv", lambda: as_csv(["naïve"]).decode().encode("latin-1"), "encoding", "byte 0xef in line 2"),
    whole("excel.csv", lambda: "text;label\nGröße;a\n".encode("cp1252"), "encoding",
           'File > Save As > "CSV UTF-8 (Comma delimited) (*.csv)"'),
    whole("windows.csv", lambda: as_csv(["fine", "“so”"]).decode().encode("cp1252"), "encoding", "0x93 in line 3"),
    whole("shift-jis.jsonl", lambda: '{"text": "映画"}'.encode("shift-jis"), "encoding", "save the file as UTF-8"),
    whole("latin.json", lambda: '[{"text": "naïve"}]'.encode("latin-1"), "encoding", "save the file as UTF-8"),
    whole("unmarked.csv", lambda: as_csv().decode().encode("utf-16-le"), "encoding", "without a byte order mark"),
    whole("unmarked.json", lambda: as_array().decode().encode("utf-16-be"), "encoding", "without a byte order mark"),
    whole("utf-32.csv", lambda: as_csv().decode().encode("utf-32"), "encoding", "UTF-32 is not read"),
    whole("odd.csv", lambda: as_csv().decode().encode("utf-16")[:-1], "encoding", "not UTF-16, as its first"),
    whole("latin in the middle.json", lambda: as_array().replace(b"number 20", b"n\xfcmber"), "encoding",
           "byte 0xfc in element 21"),
    whole("bytes.jsonl", lambda: bytes(range(1, 256)), "encoding", "not UTF-8"),
    whole("zeros.csv", lambda: bytes(1000), "encoding", "save the file as UTF-8"),
    # Another format
    whole("notes.txt", lambda: b"hello", "kind", "unknown kind of file: name it .csv, .json, .jsonl"),
    whole("workbook.csv", lambda: b"PK\x03\x04" + bytes(99), "kind", "save the sheet as CSV"),
    whole("table.json", lambda: b"PAR1" + bytes(99), "kind", "write it as CSV or JSON lines"),
    whole("paper.csv", lambda: b"%PDF-1.7\n", "kind", "write it as CSV or JSON lines"),
    whole("packed.csv", lambda: gzip.compress(as_csv()), "kind", "let its name end in .gz"),
    whole("packed twice.csv.gz", lambda: gzip.compress(gzip.compress(as_csv())), "kind", "compress it once"),
    whole("picture.csv.gz", lambda: gzip.compress(_PNG), "kind", "a picture, and a table is expected: drop CSV"),
    whole("photo.json.gz", lambda: gzip.compress(_JPEG), "kind", "a picture, and a table is expected: drop CSV"),
    whole("plain.csv.gz", as_csv, "gzip", "not a whole gzip file"),
    whole("cut.csv.gz", lambda: gzip.compress(as_csv())[:-9], "gzip", "not a whole gzip file"),
    whole("cut.json.gz", lambda: gzip.compress(as_array())[:-9], "gzip", "not a whole gzip file"),
    whole("damaged.csv.gz", lambda: gzip.compress(as_csv())[:-8] + bytes(8), "gzip", "not a whole gzip file"),
    # Too much of it
    whole("bomb.jsonl.gz", lambda: packed((_OPEN + b"x" * _MB + b'"}\n', 1_000)), "bomb", "100 times"),
    whole("bomb.csv.gz", lambda: packed((_HEAD, 1), (b"x" * _MB + b",a\n", 1_000)), "bomb", "100 times"),
    whole("bomb.json.gz", lambda: packed((b"[", 1), (_OPEN + b"x" * _MB + b'"},', 1_000)), "bomb", "100 times"),
    whole("200 MB.jsonl.gz", lambda: packed((b"x" * _MB, 200)), "row-too-long", "line 1 has over 10,000,000"),
    whole("200 MB.csv.gz", lambda: packed((_HEAD, 1), (b"x" * _MB, 200)), "row-too-long", "line 2 has over"),
    whole("200 MB.json.gz", lambda: packed((b'[{"text":"', 1), (b"x" * _MB, 200)), "row-too-long", "element 1 has"),
    whole("200 MB of UTF-16.csv.gz", lambda: packed((_UTF16, 1), (b"\0x" * _MB, 100)), "row-too-long", "line 1"),
    whole("endless row.csv.gz", lambda: packed((_HEAD, 1), (_OPEN_CELLS, 20)), "no-rows", "no usable row"),
    whole("endless cell.csv.gz", lambda: packed((_HEAD + b'"', 1), (_LONG_LINES, 20)), "no-rows", "quotes"),
    # Broken on the way
    whole("open quote early.csv", lambda: as_csv() + b'"never closed\n' + b"x,pos\n" * 20, "too-many-rejected",
           "21 of 61 rows are rejected, over the limit of 20% (21 quotes)"),
    whole("cut.json", lambda: as_array()[:-20], "not-json", "not a JSON array of objects"),
    whole("two arrays.json", lambda: as_array() + as_array(), "not-json", "not a JSON array of objects"),
    whole("deep and open.json", lambda: b'[{"text":' * 10_000, "not-json", "not a JSON array of objects"),
    whole("deep.jsonl", lambda: _DEEP.encode(), "no-rows", "no usable row among 1 (1 too-deep)"),
    whole("one object.json", lambda: json.dumps(rows()[0], indent=1).encode(), "no-rows", "no usable row among 4"),
    whole("by column.json", lambda: b'{"text":{"0":"a"},"label":{"0":"b"}}', "no-rows", "(1 not-plain)"),
    # No row, or too few of them, as they should be
    whole("numbers.json", lambda: b"[1, 2.5, NaN, 1e400]", "no-rows", "no usable row among 4 (4 not-an-object)"),
    whole("a word.json", lambda: b'"text"', "no-rows", "no usable row among 1 (1 not-an-object)"),
    whole("blank.csv", lambda: _HEAD + b"a,\n , b\n", "no-rows", "no usable row among 2 (2 empty)"),
    whole("empty sheet.csv", lambda: _HEAD + b",,\n" * 9, "no-rows", "no rows: the file is empty"),
    whole("unseen.csv", lambda: _HEAD + "\u200b,pos\na,\ufeff\n".encode(), "no-rows", "(2 empty)"),
    whole("a quarter bad.csv", lambda: as_csv() + b"a,\n" * 14, "too-many-rejected", "14 of 54 rows are rejected"),
)  # fmt: skip

_PARTLY_BAD = (
    # Rows that cannot be used among rows that can
    _partly("ragged.csv", lambda: as_csv() + b"a,b,c\nalone\n", ragged=2),
    _partly("empty cells.csv", lambda: as_csv() + b",pos\nx,\n \xc2\xa0 ,pos\n", empty=3),
    _partly("missing.jsonl", lambda: as_lines(_NO_LABEL), missing=4),
    _partly("nan.jsonl", lambda: as_lines(['{"text":"a","label":NaN}']), missing=1),
    _partly("nested.jsonl", lambda: as_lines([{"text": ["a"], "label": "b"}, {"text": "a", "label": {}}]), not_plain=2),
    _partly("nested.json", lambda: as_array([{"text": ["a"], "label": "b"}]), not_plain=1),
    _partly("nul.csv", lambda: as_csv() + b"a\x00b,pos\n\x00,neg\n", nul=2),
    _partly("nul.jsonl", lambda: as_lines([{"text": "a\0b", "label": "pos"}]), nul=1),
    _partly("long.csv", lambda: as_csv() + b"x" * 20_001 + b",pos\n" + b"x," + b"y" * 257 + b"\n", too_long=2),
    _partly("half a pair.jsonl", lambda: as_lines(['{"text":"\\ud800","label":"pos"}']), surrogate=1),
    _partly("not json.jsonl", lambda: as_lines(['{"text": "a"', "text,label", "{'text': 'a'}"]), not_json=3),
    _partly("huge number.jsonl", lambda: as_lines(['{"text":' + "9" * 5_000 + "}"]), missing=1),
    _partly("huge label.json", lambda: as_array(['{"text":"a","label":' + "9" * 5_000 + "}"]), too_long=1),
    _partly("infinity.jsonl", lambda: as_lines(_INFINITE), not_finite=3),
    _partly("infinity.json", lambda: as_array(_INFINITE), not_finite=3),
    _partly("nan.json", lambda: as_array([_number("NaN")]), missing=1),
    _partly("half a pair.json", lambda: as_array(['{"text":"\\udfff","label":"pos"}']), surrogate=1),
    _partly("not json.json", lambda: as_array(["{'text': 'a'}", '{"text" "a"}']), not_json=2),
    _partly("key twice.jsonl", lambda: as_lines(_TWICE), key_twice=2),
    _partly("key twice.json", lambda: as_array(_TWICE), key_twice=2),
    replace(_partly("another label.csv", lambda: as_csv() + b"a,maybe\n", label_not_allowed=1),
            data={"labels": ("neg", "pos")}),
    _partly("other case.jsonl", lambda: as_lines([{"Text": "a", "label": "pos"}]), missing=1),
    _partly("open quote.csv", lambda: as_csv() + b'"never closed\n', quotes=1),
    _partly("quote within.csv", lambda: as_csv() + b'"a"b,pos\n' + b'"c "d" e",neg\n', quotes=2),
    _partly("marks.csv", lambda: as_csv() + ("a" + "\u0301" * 15_000 + ",pos\n").encode(), marks=1),
    _partly("header again.csv", lambda: as_csv(TEXTS[:20]) + as_csv(TEXTS[20:]), header_again=1),
    _partly("many headers.csv", lambda: b"".join(as_csv(TEXTS[n : n + 2]) for n in range(0, 40, 2)), header_again=19),
    _partly("marked parts.csv", lambda: b"".join(
        codecs.BOM_UTF8 + as_csv(part) for part in (TEXTS[:20], TEXTS[20:])), header_again=1),
    _partly("shouted again.csv", lambda: as_csv(TEXTS[:20]) + as_csv(TEXTS[20:]).replace(b"text,label", b"TEXT, Label"),
            header_again=1),
    _partly("open quote.csv.gz", lambda: gzip.compress(as_csv() + b'"never closed, neg\n'), quotes=1),
    _partly("rows of rows.json", lambda: as_array([["a", "pos"], [["b"]]]), not_an_object=2),
    _partly("other order.csv", lambda: as_csv(TEXTS[:20]) + b"label,text\n" + b"".join(
        f"{row['label']},{row['text']}\n".encode() for row in rows(TEXTS[20:])),
        header_again=1),
    _partly("scalars.jsonl", lambda: as_lines([1, '"two"', [3], "null"]), not_an_object=4),
    _partly("scalars.json", lambda: as_array([1, '"two"', [3], "null"]), not_an_object=4),
    _partly("deep.json", lambda: as_array([_DEEP]), too_deep=1),
    _partly("deep rows.jsonl", lambda: as_lines([_DEEP, _DEEP]), too_deep=2),
    # Odd, and all of it good
    _partly("semicolons.csv", lambda: as_csv().replace(b",", b";")),
    _partly("tabs.csv", lambda: as_csv().replace(b",", b"\t")),
    _partly("tabs in UTF-16.csv", lambda: as_csv().decode().replace(",", "\t").encode("utf-16")),
    _partly("sep.csv", lambda: b"sep=;\r\n" + as_csv().replace(b",", b";")),
    _partly("sep of pipes.csv", lambda: b"sep=|\r\n" + as_csv().replace(b",", b"|")),
    _partly("blank before quote.csv", lambda: _HEAD.replace(b",", b", ") + _quoted('"{}", "{}"')),
    _partly("blanks around quotes.csv", lambda: _HEAD + _quoted(' "{}" ,\t"{}" ')),
    _partly("blank before lines.csv", lambda: _HEAD + _quoted(' "{}",  "\n{}\n" ')),
    _partly("blank lines.csv", lambda: b"\n \n" + as_csv().replace(b"\r\n", b"\r\n \r\n,\r\n\r\n")),
    _partly("sheet's end.csv", lambda: as_csv() + b",\r\n" * 1_000),
    _partly("wider rows.csv", lambda: as_csv().replace(b"\r\n", b",,\r\n").replace(b"label,,", b"label", 1)),
    _partly("capitals.csv", lambda: as_csv().replace(b"text,label", b"Text, LABEL ")),
    _partly("invisible names.csv", lambda: as_csv().replace(b"text,", "\u200btext\u2060,".encode())),
    _partly("unseen ends.csv", lambda: _HEAD + _quoted("\u200b{},\ufeff{}\u200b")),
    _partly("unread numbers.json", lambda: as_array().replace(b'"}', b'", "x": NaN, "y": -Infinity, "z": 1e400}')),
    _partly("unread digits.json", lambda: as_array().replace(b'"}', b'", "x": ' + b"9" * 5_000 + b"}")),
    _partly("unread digits.jsonl", lambda: as_lines().replace(b'"}', b'", "x": ' + b"9" * 5_000 + b"}")),
    _partly("unread key twice.jsonl", lambda: as_lines().replace(b'"}', b'", "x": 1, "x": {"text": 2}}')),
    _partly("unread column twice.csv", lambda: as_csv().replace(b"\r\n", b",1,2\r\n").replace(b"1,2", b"x,x", 1)),
    _partly("last comma.json", lambda: as_array()[:-1] + b",]"),
    _partly("marked twice.jsonl", lambda: as_lines().replace(b"\n", b"\n" + codecs.BOM_UTF8)),
    _partly("lines and quotes.csv", lambda: as_csv(_LINES_AND_QUOTES), _FLAT),
    _partly("10,000 columns.csv", lambda: b"\n".join(
        [(_MANY + ",text,label").encode(), *(b"," * 10_000 + line for line in as_csv(end="\n").split(b"\n")[1:-1])])),
    _partly("10,000 keys.jsonl", lambda: as_lines()
            .replace(b"{", ("{" + ",".join(f'"c{number}":1' for number in range(10_000)) + ",").encode(), 8)),
    _partly("all quoted.csv", lambda: b'"text","label"\r\n' + _quoted('"{}","{}"')),
    _partly("quoted sep.csv", lambda: b'"sep=;"\r\n' + as_csv().replace(b",", b";")),
    _partly("commas within.csv", lambda: as_csv(_COMMAS_WITHIN).replace(b"text,", b"text;").replace(b'",', b'";')
            .replace(b'"', b""), _COMMAS_WITHIN),
    _partly("gaps.csv", lambda: as_csv().replace(b"\r\n", b"\r\n , \r\n\t\r\n")),
    _partly("unseen ends.jsonl", lambda: as_lines().replace(b": \"r", b': "\\u00ad\\u202e\\u2066r')),
    _partly("unseen names.csv", lambda: as_csv().replace(b",label", ",\u200elabel\u200f".encode())),
    _partly("one a line.json", as_lines),
    _partly("wide array.json", lambda: json.dumps(rows(), indent=4).encode()),
    _partly("old mac.csv", lambda: as_csv(end="\r")),
    _partly("blanks.csv", lambda: as_csv(end="\n\n").replace(b"text,label", b" text , label ")),
    _partly("marked.csv", lambda: codecs.BOM_UTF8 + as_csv()),
    _partly("marked.json", lambda: codecs.BOM_UTF8 + as_array()),
    _partly("utf-16.csv", lambda: codecs.BOM_UTF16_LE + as_csv().decode().encode("utf-16-le")),
    _partly("utf-16.jsonl", lambda: codecs.BOM_UTF16_BE + as_lines().decode().encode("utf-16-be")),
    _partly("utf-16.json.gz", lambda: gzip.compress(as_array().decode().encode("utf-16"))),
    _partly("members.csv.gz", lambda: gzip.compress(as_csv()[:50]) + gzip.compress(as_csv()[50:])),
    # Names as people give them
    _partly("a b+c%20d%/(1).csv", as_csv),
    _partly("données/映画 – Größe.jsonl", as_lines),
    _partly("quotes'\"&=?#.JSON", as_array),
)  # fmt: skip

TEXT = Corpus("text", {}, lambda row: str(row["features"]["text"]), _WHOLLY_BAD, _PARTLY_BAD)
