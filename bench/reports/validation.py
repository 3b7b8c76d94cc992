"""`python -m bench.reports.validation`: rows checked per second, by our schema and by pydantic's, side by side.

The figures of `docs/decisions/21-a-row-is-checked-by-its-schema.md`. Both accept the same rows as the same.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, StringConstraints, ValidationError, create_model
from pydantic_core import PydanticCustomError

from domain.data.records import Column, Contract, Row, RowRejected, normalize, parse_row, row_id
from domain.data.splits import split_of
from ops.reviews import rotten_tomatoes

CONTRACT: Final = Contract(
    (Column("text", 20_000),),
    "label",
    None,
    test_percent=10,
    validation_percent=10,
    labels=frozenset({"positive", "negative"}),
)
_ROUNDS: Final = 7
Parse = Callable[[Mapping[str, object], Contract], tuple[Row, str]]


def pydantic_parser(contract: Contract) -> Parse:
    """`parse_row` with its schema built on pydantic-core: validators in Rust around our normalization."""
    fields: dict[str, Any] = {f"c{n}": (_text(column), ...) for n, column in enumerate(contract.columns)}
    model = create_model("Columns", **fields)
    names = [column.name for column in contract.columns]
    validate = model.__pydantic_validator__.validate_python

    def parse(raw: Mapping[str, object], contract: Contract) -> tuple[Row, str]:
        try:
            found: BaseModel = validate({f"c{n}": raw.get(name) for n, name in enumerate(names)})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise RowRejected(str(first["type"]), str(first["msg"])) from error
        values = dict(zip(names, found.__dict__.values(), strict=True))
        features = {name: values[name] for name in (column.name for column in contract.features)}
        row = Row(row_id(features), features, values[contract.label])
        return row, split_of(row.id, contract.test_percent, contract.validation_percent)

    return parse


def _text(column: Column) -> Any:
    def plain(given: object) -> str:
        if isinstance(given, str):
            return normalize(given)
        if given is None or (isinstance(given, float) and math.isnan(given)):
            raise PydanticCustomError("missing", "every row needs a value there")
        if not isinstance(given, bool | int | float):
            raise PydanticCustomError("not-plain", "give text or a number")
        return normalize(str(given).lower() if isinstance(given, bool) else str(given))

    if column.allowed is not None:
        return Annotated[Literal[tuple(sorted(column.allowed))], BeforeValidator(plain)]
    return Annotated[str, StringConstraints(min_length=1, max_length=column.max_chars), BeforeValidator(plain)]


def rows_per_second(parse: Parse, rows: list[dict[str, str]], contract: Contract) -> float:
    """Rows parsed in a second of processor time."""
    start = time.process_time()
    for row in rows:
        parse(row, contract)
    return len(rows) / (time.process_time() - start)


def main() -> None:
    """Print the median of several rounds, the two taking turns, on the demo's movie reviews."""
    rows = [{"text": text, "label": label} for text, label in rotten_tomatoes()]
    other = pydantic_parser(CONTRACT)
    if [parse_row(row, CONTRACT) for row in rows] != [other(row, CONTRACT) for row in rows]:
        raise AssertionError("the two do not agree")
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        ours.append(rows_per_second(parse_row, rows, CONTRACT))
        theirs.append(rows_per_second(other, rows, CONTRACT))
    size = sum(len(row["text"].encode()) for row in rows) / len(rows)
    print(f"{len(rows):,} rows of {size:.0f} bytes, median of {_ROUNDS} rounds")
    for name, found in (("our schema", ours), ("pydantic", theirs)):
        rate = statistics.median(found)
        print(f"{name}: {rate:,.0f} rows/s, {rate * size / 1e6:.1f} MB/s of text")
    print(f"ratio: {statistics.median(theirs) / statistics.median(ours):.2f}")


if __name__ == "__main__":
    main()
