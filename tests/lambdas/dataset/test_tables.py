"""One table, whoever wrote it: the same rows, ids and splits in every kind of file."""

from __future__ import annotations

import csv
import io
import json

import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from domain.data.records import Column, Contract, Rejected, Row, parse_row
from lambdas.dataset.reading import read_rows

CONTRACT = Contract((Column("text", 1000), Column("title", 1000)), "label", None, 30, 20, slice="part")
COLUMNS = ["text", "title", "label", "part"]
odd = st.sampled_from(
    [
        "1.0",
        "TRUE",
        "1",
        "-0.0",
        ' "a"',
        'a, "b" c',
        '"',
        '" ,',
        "a\r\nb",
        "\u200b",
        "\ufeffa",
        "a;b",
        "\t",
        " ",
        "",
        "NaN",
        "sep=;",
    ]
)
cells = odd | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def rows_in(name: str, body: str) -> list[tuple[Row, str]]:
    found, refused = [], set()
    for _, raw in read_rows(name, io.BytesIO(body.encode()), COLUMNS):
        try:
            assert not isinstance(raw, Rejected | str), raw
            found.append(parse_row(raw, CONTRACT))
        except Rejected as error:
            refused.add(error.rule)
    assert refused <= {"empty", "nul", "marks"}
    return found


@given(st.lists(st.tuples(cells, cells, cells, cells), max_size=8))
@example([("a", "b", "1.0", "TRUE"), ("a\u200b", "b", "1", "true")])
def test_any_table_of_texts_is_the_same_table_in_every_kind_of_file(table: list[tuple[str, str, str, str]]) -> None:
    table = [row for row in table if [cell.strip().casefold() for cell in row] != COLUMNS]
    by_csv = io.StringIO(newline="")
    csv.writer(by_csv).writerows([COLUMNS, *table])
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in table]
    by_pandas = pd.DataFrame(table, columns=COLUMNS, dtype=object).to_csv(index=False, lineterminator="\r\n")
    expected = rows_in("a.jsonl", "\n".join(map(json.dumps, rows)))
    assert rows_in("a.json", json.dumps(rows, ensure_ascii=False)) == expected
    assert rows_in("a.csv", by_csv.getvalue()) == expected
    assert rows_in("b.csv", by_pandas) == expected
