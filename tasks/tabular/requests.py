"""The requests that are answered: rows in JSON, CSV and JSON lines, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from domain.data.records import Column, RowRejected
from tasks.formats import CSV, JSON, PLAIN, ClientError, content_type, csv_rows, decode, json_lines, load
from tasks.parameters import all_scores, labels_asked_for, quoted, refuse_others, require, top_k
from tasks.parameters import read as read_parameters
from tasks.tabular.table import read

# A body of 4 MB may have more; an answer has some 40 bytes for each.
MAX_ROWS: Final = 10_000
_PARAMETERS: Final = {"top_k": top_k, "return_all_scores": all_scores}
_KEYS: Final = ("inputs", "parameters", "options")


class Invocation(NamedTuple):
    """A valid request: its rows' values by column, canonical, without what is missing; whether it was one bare row; and
    how many labels are asked for (None: all).
    """

    rows: list[dict[str, str]]
    single: bool = False
    top_k: int | None = 1


def parse(header: str, body: bytes, columns: Sequence[Column]) -> Invocation:
    """Read the body of a POST to /invocations with this header Content-Type; `columns` are the model's.

    Raises ClientError (400, 413 or 415), never anything else.
    """
    kind = content_type(header)
    if kind.media_type == PLAIN:
        raise ClientError(415, f"a table is no {PLAIN}: send application/json, application/jsonlines or text/csv")
    text = decode(body, kind.media_type)
    if kind.media_type == JSON:
        return _parse_json(load(text, "the body"), columns)
    if kind.media_type == CSV:
        return Invocation(_of_csv(csv_rows(text), kind.header, columns))
    lines = json_lines(text)
    _check_number(len(lines), "the body")
    return Invocation([_row(_bare(line, f"line {n}"), f"line {n}", columns) for n, line in enumerate(lines, 1)])


def _parse_json(message: Any, columns: Sequence[Column]) -> Invocation:
    # The client of HuggingFace's hub says `table` where others say `inputs` (InferenceClient.tabular_classification).
    what = "table" if isinstance(message, dict) and "table" in message and "inputs" not in message else "inputs"
    if not isinstance(message, dict) or what not in message:
        raise ClientError(400, 'the body must be an object with "inputs"')
    refuse_others(message, (what, *_KEYS[1:]), "the body")
    inputs, named = message[what], f'"{what}"'
    asked = labels_asked_for(read_parameters(message, _PARAMETERS))
    if isinstance(inputs, dict):
        by_column = inputs if what == "table" else inputs.get("data")
        if not isinstance(by_column, dict):
            return Invocation([_row(inputs, named, columns)], single=True, top_k=asked)
        if what != "table":
            refuse_others(inputs, ("data",), named)
        inputs = _of_columns(by_column, named if what == "table" else f"{named}.data", columns)
    require(isinstance(inputs, list), f"{named} must be a row, as an object of its values by column, or a list of rows")
    _check_number(len(inputs), named)
    rows = [_row(row, f"{named}[{index}]", columns) for index, row in enumerate(inputs)]
    return Invocation(rows, top_k=asked)


def _of_columns(by_column: Mapping[str, Any], what: str, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The rows of a table that is sent as a list of values for each column."""
    _refuse_columns(by_column, what, columns)
    lengths = {name: len(values) for name, values in by_column.items() if isinstance(values, list)}
    for name in by_column:
        require(name in lengths, f"{what} must have a list of values for the column {quoted(name)}")
    if len(set(lengths.values())) > 1:
        least, most = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        few, many = (f"{lengths[name]} for {quoted(name)}" for name in (least, most))
        raise ClientError(400, f"{what} must have as many values for each column, and has {few}, {many}")
    return [dict(zip(by_column, row, strict=True)) for row in zip(*by_column.values(), strict=True)]


def _of_csv(rows: list[list[str]], header: str | None, columns: Sequence[Column]) -> list[dict[str, str]]:
    """The rows of a CSV body: values of all columns in their order, or of those that a first row names."""
    known = [column.name for column in columns]
    names, first = known, 1
    cells = [cell.strip() for cell in rows[0]] if rows else []
    # A name in the first row makes it a header: else a column that is not the model's would be read as another's value.
    if header == "present" or (header is None and set(cells) & set(known)):
        _refuse_columns(cells, "the first row", columns, "; if it is no header, send text/csv; header=absent")
        twice = next((name for name in cells if cells.count(name) > 1), None)
        require(twice is None, f"the first row names the column {quoted(twice or '')} twice")
        names, first, rows = cells, 2, rows[1:]
    _check_number(len(rows), "the body")
    for number, row in enumerate(rows, first):
        if len(row) != len(names):
            named = "as the first row" if first == 2 else f"one for each of the columns {_some(known)}"
            raise ClientError(400, f"row {number} has {len(row)} cells, not {len(names)}, {named}")
    return [
        _row(dict(zip(names, row, strict=True)), f"row {number}", columns) for number, row in enumerate(rows, first)
    ]


def _bare(line: Any, what: str) -> Any:
    """The row of a JSON line, which may be wrapped as the inputs of a request are."""
    if isinstance(line, dict) and isinstance(line.get("inputs"), dict):
        refuse_others(line, ("inputs",), what)
        return line["inputs"]
    return line


def _row(row: Any, what: str, columns: Sequence[Column]) -> dict[str, str]:
    """The canonical values of one row. Raises ClientError (400)."""
    if not isinstance(row, dict):
        raise ClientError(400, f"{what} must be a row, as an object of its values by column")
    _refuse_columns(row, what, columns)
    try:
        return read(row, columns)
    except RowRejected as error:
        got = "" if error.value is None else f", got {quoted(str(error.value))}"
        raise ClientError(400, f"{what}: {error}{got}") from None


def _refuse_columns(names: Iterable[str], what: str, columns: Sequence[Column], more: str = "") -> None:
    known = [column.name for column in columns]
    others = set(names) - set(known)
    if others:
        raise ClientError(400, f"{what} has the unknown column {quoted(min(others))}; known are {_some(known)}{more}")


def _check_number(rows: int, what: str) -> None:
    require(rows > 0, f"{what} has no rows")
    if rows > MAX_ROWS:
        raise ClientError(413, f"{what} has {rows} rows; at most {MAX_ROWS} are answered at once")


def _some(names: Sequence[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} others" if len(names) > most else "")
