"""The texts of a request in CSV and in JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tasks.formats import ClientError, csv_rows, json_lines
from tasks.text.input import text_of


def read_csv(body: str, header: str | None, features: Sequence[str]) -> list[str]:
    """The texts of a CSV body: a column for each feature in their order, or those that a first row names.

    Raises ClientError (400).
    """
    rows = csv_rows(body)
    columns, first = list(range(len(features))), 1
    named = _columns(rows[0], features) if rows and header != "absent" else None
    if named:
        columns, first, rows = named, 2, rows[1:]
    elif header == "present":
        raise ClientError(400, f'the first row must name "inputs" or the columns {", ".join(features)}')
    width = None if named else len(columns)
    texts = []
    for number, row in enumerate(rows, first):
        if len(row) <= max(columns) or (width and len(row) != width):
            raise ClientError(
                400, f"row {number} has {len(row)} cells, not {width or max(columns) + 1}: quote a text with commas"
            )
        texts.append("\n".join(row[column] for column in columns))
    return texts


def read_json_lines(body: str, features: Sequence[str]) -> list[str]:
    """The texts of JSON lines: each a text, {"inputs": a text}, or an object with the features. Raises ClientError."""
    return [_text_of(value, number, features) for number, value in enumerate(json_lines(body), 1)]


def _columns(row: Sequence[str], features: Sequence[str]) -> list[int] | None:
    """Where the texts stand if `row` is a header, or None."""
    names = [cell.strip() for cell in row]
    wanted = ["inputs"] if "inputs" in names else features
    return [names.index(name) for name in wanted] if set(wanted) <= set(names) else None


def _text_of(value: Any, number: int, features: Sequence[str]) -> str:
    if isinstance(value, dict) and "inputs" in value:
        others = sorted(set(value) - {"inputs"})
        if others:
            raise ClientError(400, f"line {number} has beside inputs the key {json.dumps(others[0][:100])}")
        value = value["inputs"]
    elif isinstance(value, dict) and all(isinstance(value.get(name), str) for name in features):
        return text_of(value, features)
    if not isinstance(value, str):
        known = f'{{"inputs": …}}, or an object with the texts {", ".join(features)}'
        raise ClientError(400, f"line {number} must be a text, {known}")
    return value
