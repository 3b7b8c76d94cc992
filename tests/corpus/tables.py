"""Bad tables, of which a label or a number is learned."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from domain.data.schema import Schema
from tests.corpus.dropped import Corpus, Dropped, Good, packed, partly, whole

# What an earlier file said: later ones have these columns and no other.
_FROZEN = Schema({"age": "number", "job": "category"}, frozenset({"job"}), closed=True, notices=("what it said",))
_COUNT = 40
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(99)
_JPEG = b"\xff\xd8\xff\xe0" + bytes(99)
_DIGITS = "9" * 5_000
_FORMULAS = ("=1+1", "+A1", "@SUM(A1)", "-cmd|' /C calc'!A0")
_MANY = ",".join(f"c{number}" for number in range(300))


def _shown(features: Mapping[str, Any]) -> str:
    return json.dumps(dict(features), sort_keys=True)


class _Rows:
    """Good rows, and files of them and others."""

    def __init__(self, labels: tuple[str, str]) -> None:
        self.labels = labels

    def all(self, **changed: Callable[[int], object]) -> list[dict[str, object]]:
        """The rows, of which columns hold something else, by the row's number."""
        found = [
            {"age": 20 + number, "job": f"job {number % 4}", "label": self.labels[number % 2]}
            for number in range(_COUNT)
        ]
        return [{**row, **{name: of(place) for name, of in changed.items()}} for place, row in enumerate(found)]

    def good(self, **changed: Callable[[int], object]) -> list[Good]:
        """What those rows are in the parts; what they lack is ""."""
        return [
            (_shown({name: str(row[name]) for name in ("age", "job") if row[name] != ""}), str(row["label"]))
            for row in self.all(**changed)
        ]

    def csv(self, *lines: str, sep: str = ",", **changed: Callable[[int], object]) -> bytes:
        """The rows as CSV, and lines after them."""
        out = io.StringIO(newline="")
        rows = self.all(**changed)
        writer = csv.DictWriter(out, list(rows[0]), delimiter=sep, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return (out.getvalue() + "".join(line + "\n" for line in lines)).encode()

    def lines(self, *more: str, **changed: Callable[[int], object]) -> bytes:
        """The rows as JSON lines, and lines after them."""
        return "\n".join([*map(json.dumps, self.all(**changed)), *more]).encode()


def _zip(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def _tar(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _without(rows: list[dict[str, object]], name: str) -> bytes:
    return "\n".join(json.dumps({key: row[key] for key in row if key != name}) for row in rows).encode()


def _wholly_bad(r: _Rows) -> tuple[Dropped, ...]:
    """Files that are refused, whatever is learned from them."""
    label = r.labels[0]
    return (
        # Nothing in it
        whole("empty.csv", lambda: b"", "header", "the file is empty: name the columns in its first line"),
        whole("header alone.csv", lambda: b"age,job,label\n", "no-rows", "no row that could be read"),
        whole("header alone, later.csv", lambda: b"age,job,label\n", "no-rows", "the file is empty", _FROZEN),
        whole("empty array.json", lambda: b"[]", "no-rows", "no row that could be read"),
        whole("empty sheet.csv", lambda: b"age,job,label\n" + b",,\n" * 9, "no-rows", "no row that could be read"),
        # Columns that a first file cannot begin with
        whole("no header.csv", lambda: r.csv().split(b"\n", 1)[1], "header", "has it no header?"),
        whole("no label.csv", lambda: r.csv().replace(b",label", b",other"), "header", "no column 'label'"),
        whole("no label.jsonl", lambda: _without(r.all(), "label"), "no-rows", "(40 missing)"),
        whole("label twice.csv", lambda: b"age,label,label\n1,a,b\n", "header", "column 'label' twice"),
        whole("feature twice.csv", lambda: b"age,job,age,label\n" + f"1,a,2,{label}\n".encode() * 40, "header",
              "column 'age' twice"),
        whole("which label.csv", lambda: b"age,Label,LABEL\n1,a,b\n", "header", "which of 'Label', 'LABEL' is meant?"),
        whole("label alone.csv", lambda: b"label\n" + f"{label}\n".encode() * 40, "columns", "no column but 'label'"),
        whole("300 columns.csv", lambda: f"{_MANY},label\n{'1,' * 300}{label}\n".encode(), "columns",
              "over 256 columns: name in data.features those"),
        whole("300 keys.jsonl", lambda: json.dumps(dict.fromkeys([*_MANY.split(","), "label"], 1)).encode(),
              "columns", "over 256 columns"),
        whole("nothing in a column.csv", lambda: r.csv(job=lambda n: ""), "columns",
              "column 'job' has no value in any row: say in data.types what it holds, or leave it out"),
        whole("nothing but n/a.csv", lambda: r.csv(job=lambda n: "n/a"), "columns", "column 'job' has no value"),
        whole("nested.jsonl", lambda: r.lines(job=lambda n: {"is": ["a"]}), "no-rows", "(40 not-plain)"),
        whole("by column.json", lambda: b'{"age":{"0":1},"label":{"0":"b"}}', "no-rows", "(1 not-plain)"),
        # Columns that are not those of the first file
        whole("one more.csv", lambda: r.csv(zip=lambda n: n), "columns", "a column 'zip', which the epoch's", _FROZEN),
        whole("one more.jsonl", lambda: r.lines(zip=lambda n: n), "columns", "a column 'zip', which", _FROZEN),
        whole("one less.csv", lambda: b"age,label\n" + f"1,{label}\n".encode() * 40, "header", "no column 'job'",
              _FROZEN),
        whole("one less.jsonl", lambda: _without(r.all(), "job"), "columns", "no column 'job' in any row", _FROZEN),
        whole("renamed.csv", lambda: r.csv().replace(b"age", b"years"), "header", "no column 'age'", _FROZEN),
        whole("renamed.jsonl", lambda: r.lines().replace(b'"age"', b'"years"'), "columns",
              "a column 'years', which the epoch's first file did not have, and no column 'age': take it out", _FROZEN),
        whole("twice, later.csv", lambda: b"age,job,age,label\n" + f"1,a,2,{label}\n".encode() * 40, "header",
              "column 'age' twice", _FROZEN),
        whole("words for numbers.csv", lambda: r.csv(age=lambda n: f"about {n}"), "columns",
              "column 'age' holds numbers, and in 40 of 40 rows here it holds none", _FROZEN),
        whole("decimal commas.csv", lambda: r.csv(sep=";", age=lambda n: f"{n},5"), "columns",
              "column 'age' holds numbers", _FROZEN),
        whole("days.csv", lambda: r.csv(age=lambda n: f"2026-01-{n:02}"), "columns", "column 'age' holds", _FROZEN),
        whole("columns changed places.csv", lambda: r.csv().replace(b"age,job", b"job,age"), "columns",
              "column 'age' holds numbers", _FROZEN),
        whole("numbers for words.csv", lambda: r.csv(job=lambda n: n), "columns",
              "column 'job' held words in the epoch's first file, and holds nothing but numbers here", _FROZEN),
        # Another encoding or format
        whole("latin.csv", lambda: r.csv(f"1,Köchin,{label}").decode().encode("latin-1"), "encoding", "in line 42"),
        whole("unmarked.csv", lambda: r.csv().decode().encode("utf-16-le"), "encoding", "without a byte order mark"),
        whole("pipes.csv", lambda: r.csv(sep="|"), "header", "separate columns with commas, semicolons or tabs"),
        whole("picture.csv", lambda: _PNG, "kind", "a picture"),
        whole("photo.csv", lambda: _JPEG, "kind", "a picture"),
        whole("picture.csv.gz", lambda: gzip.compress(_PNG), "kind", "a picture, and a table is expected: drop CSV"),
        whole("photo.json.gz", lambda: gzip.compress(_JPEG), "kind", "a picture, and a table is expected: drop CSV"),
        whole("picture.png", lambda: _PNG, "kind", "name it .csv"),
        whole("packed.zip", lambda: _zip("a.csv", r.csv()), "kind", "name it .csv"),
        whole("workbook.csv", lambda: _zip("xl/workbook.xml", b"<a/>"), "kind", "save the sheet as CSV"),
        whole("packed.csv", lambda: gzip.compress(r.csv()), "kind", "let its name end in .gz"),
        whole("archive.csv.gz", lambda: gzip.compress(_tar("a.csv", r.csv())), "kind", "a tar archive: unpack it"),
        whole("cut.csv.gz", lambda: gzip.compress(r.csv())[:-9], "gzip", "not a whole gzip file"),
        whole("bomb.csv.gz", lambda: packed((b"age,job,label\n", 1), (b"1," + b"x" * 1_000_000 + b",a\n", 1_000)),
              "bomb", "100 times"),
        whole("open quote.csv", lambda: b'age,job,label\n1,"a,b\n' + r.csv().split(b"\n", 1)[1], "no-rows", "row"),
        # Too few rows as they should be
        whole("no values.csv", lambda: b"age,job,label\n" + f",,{label}\n".encode() * 14 + r.csv()[14:],
              "too-many-rejected", "14 of 54 rows are rejected"),
        whole("a third ragged.csv", lambda: r.csv(*["1,a"] * 20), "too-many-rejected", "20 of 60 rows are rejected"),
        whole("labels for some.csv", lambda: r.csv(label=lambda n: label if n % 3 else ""), "too-many-rejected",
              "14 of 40 rows are rejected, over the limit of 20% (14 empty)"),
    )  # fmt: skip


def _partly_bad(r: _Rows) -> tuple[Dropped, ...]:
    """Files that are used, whatever is learned from them, without some rows."""
    label, good = r.labels[0], r.good()
    number = f'{{"age": %s, "job": "job 1", "label": {json.dumps(label)}}}'
    one_more = (_shown({"job": "job 1"}), label)
    return (
        partly("words for two numbers.csv", lambda: r.csv(f"thirty,a,{label}", f"12 years,a,{label}"), good,
               not_a_number=2),
        partly("thousands.csv", lambda: r.csv(f'"1,234",a,{label}', f"1'234,a,{label}"), good, not_a_number=2),
        partly("beyond all bounds.csv", lambda: r.csv(f"1e400,a,{label}", f"inf,a,{label}"), good, not_a_number=2),
        partly("beyond all bounds.jsonl", lambda: r.lines(number % "1e400", number % "Infinity"), good, not_finite=2),
        partly("many digits.csv", lambda: r.csv(f"{_DIGITS},a,{label}"), good, too_long=1),
        partly("many digits.jsonl", lambda: r.lines(number % _DIGITS), good, too_long=1),
        partly("nested.json", lambda: b"[" + r.lines(number % "[1]", number % '{"is": 1}').replace(b"\n", b",") + b"]",
               good, not_plain=2),
        partly("a truth.jsonl", lambda: r.lines(number % "true"), good, not_a_number=1),
        partly("nothing to learn from.csv", lambda: r.csv(f",,{label}", f"nan, ,{label}"), good, empty=2),
        partly("no label in two.csv", lambda: r.csv("1,a,", "2,b, "), good, empty=2),
        partly("no label in two.jsonl", lambda: r.lines('{"age": 1}', '{"age": 1, "label": null}'), good, missing=2),
        partly("key twice.jsonl", lambda: r.lines((number % 1).replace("{", '{"age": 2, ')), good, key_twice=1),
        partly("ragged.csv", lambda: r.csv("1,a", f"1,a,{label},more"), good, ragged=2),
        partly("header again.csv", lambda: r.csv() + b"age,job,label\n", good, header_again=1),
        partly("open quote at the end.csv", lambda: r.csv('1,"never closed'), good, quotes=1),
        partly("nul.csv", lambda: r.csv(f"1,a\x00b,{label}"), good, nul=1),
        partly("long.csv", lambda: r.csv(f"1,{'x' * 20_001},{label}"), good, too_long=1),
        partly("half a pair.jsonl", lambda: r.lines(f'{{"job": "\\ud800", "label": {json.dumps(label)}}}'), good,
               surrogate=1),
        partly("two files.jsonl", lambda: r.lines("age,job,label", "[1, 2]"), good, not_json=1, not_an_object=1),
        partly("words for two, later.csv", lambda: r.csv(f"thirty,a,{label}", f"inf,a,{label}"), good, _FROZEN,
               not_a_number=2),
        # Odd, and all of it good
        partly("nan.jsonl", lambda: r.lines(number % "NaN", number % "null"), [*good, one_more, one_more]),
        partly("n-a.csv", lambda: r.csv(f"n/a,job 1,{label}", f",job 1,{label}"), [*good, one_more, one_more]),
        partly("key that is not there.jsonl", lambda: r.lines(f'{{"job": "job 1", "label": {json.dumps(label)}}}'),
               [*good, one_more]),
        partly("semicolons and mark.csv", lambda: codecs.BOM_UTF8 + r.csv(sep=";"), good),
        partly("tabs in UTF-16.csv", lambda: r.csv(sep="\t").decode().encode("utf-16"), good),
        partly("other order.csv", lambda: b"\n".join(
            b",".join(reversed(line.split(b","))) for line in r.csv().splitlines()), good, _FROZEN),
        partly("row numbers without a name.csv", lambda: b"\n".join(
            b"%s,%s" % (str(place).encode() if place else b"", line) for place, line in enumerate(
                r.csv().splitlines())), good),
        partly("capitals.csv", lambda: r.csv().replace(b"age,job,label", b" AGE ,Job,LABEL"), good, _FROZEN),
        partly("spelled otherwise.csv", lambda: r.csv(age=lambda n: f"+{20 + n}.0e0"), good),
        partly("formulas.csv", lambda: r.csv(job=lambda n: _FORMULAS[n % 4]),
               r.good(job=lambda n: _FORMULAS[n % 4])),
        partly("tiny and huge.csv", lambda: r.csv(age=lambda n: f"{n + 1}.5e{(-300, 38, 39, 300)[n % 4]}"),
               r.good(age=lambda n: float(f"{n + 1}.5e{(-300, 38, 39, 300)[n % 4]}"))),
        partly("commas and lines within.csv", lambda: r.csv(job=lambda n: f'a, "b",\n{n}'),
               r.good(job=lambda n: f'a, "b", {n}')),
        partly("one a line.json", r.lines, good),
        partly("données/(1) a+b%20.CSV.GZ", lambda: gzip.compress(r.csv()), good),
    )  # fmt: skip


_WORDS = _Rows(("high", "low"))
_NUMBERS = _Rows(("0.25", "1.5"))
_WORDS_BAD: tuple[Dropped, ...] = (
    whole("free text.csv", lambda: b"age,label\n" + b"".join(b"%d,l%d\n" % (n, n) for n in range(10_001)),
          "too-many-labels", "is 'label' their column? Name it in data.label"),
    whole("long labels.csv", lambda: _WORDS.csv(label=lambda n: "x" * 257), "no-rows", "(40 too-long)"),
)  # fmt: skip
_WORDS_ODD: tuple[Dropped, ...] = (
    partly("a long label.csv", lambda: _WORDS.csv("1,a," + "x" * 257), _WORDS.good(), too_long=1),
    partly("an infinite label.jsonl", lambda: _WORDS.lines('{"age": 1, "label": 1e400}'), _WORDS.good(), not_finite=1),
)
_NUMBERS_BAD: tuple[Dropped, ...] = (
    whole("words.csv", lambda: _WORDS.csv(), "no-rows", "no usable row among 40 (40 not-a-number)"),
    whole("decimal commas in labels.csv", lambda: _NUMBERS.csv(sep=";", label=lambda n: f"{n},5"), "no-rows",
          "(40 not-a-number)"),
    whole("money.csv", lambda: _NUMBERS.csv(label=lambda n: f"{n} €"), "no-rows", "(40 not-a-number)"),
    whole("percents, later.csv", lambda: _NUMBERS.csv(label=lambda n: f"{n}%"), "no-rows", "(40 not-a-number)",
          _FROZEN),
    whole("a third without.csv", lambda: _NUMBERS.csv(label=lambda n: n if n % 3 else "n/a"), "too-many-rejected",
          "14 of 40 rows are rejected, over the limit of 20% (14 empty)"),
    whole("truths.jsonl", lambda: _NUMBERS.lines(label=lambda n: n % 2 == 0), "no-rows", "(40 not-a-number)"),
    whole("infinite.jsonl", lambda: _NUMBERS.lines(label=lambda n: float("inf")), "no-rows", "(40 not-finite)"),
)  # fmt: skip
_NUMBERS_ODD: tuple[Dropped, ...] = (
    partly("labels that are no numbers.csv", lambda: _NUMBERS.csv("1,a,cheap", '1,a,"1,5"', "1,a,=1+1", "1,a,0x10"),
           _NUMBERS.good(), not_a_number=4),
    partly("labels beyond.csv", lambda: _NUMBERS.csv("1,a,1e400", "1,a,-inf", f"1,a,{_DIGITS}"), _NUMBERS.good(),
           too_long=1, not_a_number=2),
    partly("labels beyond.jsonl", lambda: _NUMBERS.lines('{"age": 1, "label": 1e400}', '{"age": 1, "label": NaN}'),
           _NUMBERS.good(), not_finite=1, missing=1),
    partly("labels not there.csv", lambda: _NUMBERS.csv("1,a,nan", "1,a,n/a", "1,a,-"), _NUMBERS.good(), empty=3),
    partly("labels spelled otherwise.csv", lambda: _NUMBERS.csv(label=lambda n: f"+{n}.50e0"),
           _NUMBERS.good(label=lambda n: n + 0.5)),
    partly("huge labels.csv", lambda: _NUMBERS.csv(label=lambda n: f"-1.{n + 1}e300"),
           _NUMBERS.good(label=lambda n: float(f"-1.{n + 1}e300"))),
)  # fmt: skip


def _corpus(task: str, rows: _Rows, wholly_bad: tuple[Dropped, ...], partly_bad: tuple[Dropped, ...]) -> Corpus:
    return Corpus(
        task,
        {"features": None},
        lambda row: _shown(row["features"]),
        (*_wholly_bad(rows), *wholly_bad),
        (*_partly_bad(rows), *partly_bad),
    )


TABLES = _corpus("tabular", _WORDS, _WORDS_BAD, _WORDS_ODD)
TABLES_OF_NUMBERS = _corpus("tabular-regression", _NUMBERS, _NUMBERS_BAD, _NUMBERS_ODD)
