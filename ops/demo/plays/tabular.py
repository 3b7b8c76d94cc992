"""The stories of tables: who earned more than 50,000 dollars in 1994, and what houses cost in California in 1990."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from domain.settings import Kind
from ops import tables
from ops.demo.play import Play
from ops.demo.settings import SERVING, WAITS
from ops.demo_files import Row, as_csv, as_json_lines
from ops.tables import ADULT, CALIFORNIA, Table

_FORMAT: Final = """\
A file is CSV with a header, a JSON array of objects, or JSON lines; each may be gzipped, all are UTF-8.
Every row has the label that cdk.json names (data.label; here {label}); the first file's other columns are features:
  CSV         {names}
              {values}
  JSON lines  {row}
The name's ending says which: .csv .json .jsonl, or one of them with .gz"""


def _play(table: Table, project: str, what: str, example: Row, asked: Sequence[Row]) -> Play:
    names, values = as_csv([example]).decode().splitlines()
    row = as_json_lines([example]).decode().strip()
    return Play(
        settings={
            "project": project,
            "data": {"features": None, "label": table.label, **WAITS},
            "serving": SERVING,
        },
        what=what,
        rows="rows",
        format=_FORMAT.format(label=table.label, names=names, values=values, row=row),
        prepare=partial(tables.prepare, table),
        first=table.file(tables.FIRST),
        second=table.file(tables.SECOND),
        shuffled=table.file(tables.SHUFFLED),
        broken=table.file(tables.BROKEN),
        spoiled=table.broken,
        reshaped=table.file(tables.RESHAPED),
        fourth="Two more files: one has some broken rows, in the other a column has another name",
        asked=asked,
        typed=" ".join(f"{name}={value}" for name, value in asked[0].items()),
    )


PLAYS: Final[dict[Kind, Play]] = {
    # What a row does not say is missing, and a category that was in no file is unknown: both are answered all the same.
    "classification": _play(
        ADULT,
        "incomes",
        "real census data",
        {"age": 39, "education": "Bachelors", "hours-per-week": 40, "income": "<=50K"},
        (
            {
                "age": 47,
                "education": "Masters",
                "educational-num": 14,
                "marital-status": "Married-civ-spouse",
                "relationship": "Husband",
                "occupation": "Exec-managerial",
                "hours-per-week": 50,
            },
            {
                "age": 19,
                "education": "HS-grad",
                "marital-status": "Never-married",
                "occupation": "Sales",
                "hours-per-week": 20,
            },
            {"age": 33, "education": "Bachelors", "occupation": "Podcaster", "hours-per-week": 40},
        ),
    ),
    "regression": _play(
        CALIFORNIA,
        "houses",
        "house prices",
        {"MedInc": 8.3252, "HouseAge": 41, "MedHouseVal": 4.526},
        (
            {"MedInc": 8.3, "HouseAge": 41, "AveRooms": 7, "Latitude": 37.88, "Longitude": -122.23},
            {"MedInc": 2.1, "HouseAge": 25, "AveRooms": 4.5, "Latitude": 36.75, "Longitude": -119.79},
        ),
    ),
}
