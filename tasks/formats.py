"""Bodies in the media types that SageMaker's own containers take and give: JSON, CSV, JSON lines and plain text.

What `text/csv` and `application/jsonlines` hold is a list of rows, and their answer has one line for each, so that a
batch transform can put question and answer side by side. Modules that only some of them need are imported then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tasks.contract import Prediction

# What InvokeEndpoint passes on to and takes back from a serverless endpoint (SageMaker Developer Guide,
# `serverless-endpoints-invoke`).
MAX_BODY_BYTES: Final = 4 * 2**20

JSON: Final = "application/json"
CSV: Final = "text/csv"
JSON_LINES: Final = "application/jsonlines"
PLAIN: Final = "text/plain"
# In order of preference, where a client has none.
MEDIA_TYPES: Final = (JSON, JSON_LINES, CSV, PLAIN)
# US-ASCII is a part of UTF-8.
_CHARSETS: Final = ("utf-8", "utf8", "us-ascii", "ascii")


class ClientError(Exception):
    """A request that cannot be answered as it is, with the HTTP status that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ContentType(NamedTuple):
    """What a request's body is; `header` is text/csv's own parameter (RFC 4180): "present", "absent" or None."""

    media_type: str
    header: str | None = None


def content_type(value: str, more: Sequence[str] = ()) -> ContentType:
    """The header Content-Type, JSON if there is none. A task may take `more` types than MEDIA_TYPES.

    Raises ClientError (415).
    """
    if value in ("", JSON):
        return ContentType(JSON)
    media_type, parameters = _split(value)
    media_type = media_type or JSON
    if media_type in more:
        # Of bytes, and not of a text in some charset.
        return ContentType(media_type)
    if media_type not in MEDIA_TYPES:
        known = ", ".join((*more, *MEDIA_TYPES))
        raise ClientError(415, f"the content type must be one of {known}, not {media_type[:100]!r}")
    if parameters.get("charset", "utf-8") not in _CHARSETS:
        raise ClientError(415, "the charset must be utf-8")
    header = parameters.get("header") or None
    if media_type == CSV and header not in (None, "present", "absent"):
        raise ClientError(415, "text/csv's parameter header must be present or absent")
    return ContentType(media_type, header)


def accepted(value: str) -> str:
    """The media type that the header Accept asks for: of the highest weight, then the one that is named rather than
    meant by a wildcard, then the first. JSON if there is no such header. Raises ClientError (406)."""
    if value in ("", "*/*", JSON):
        return JSON
    ranges = [_range(part) for part in value.split(",") if part.strip()]
    if not ranges:
        return JSON
    best: tuple[float, int, int] | None = None
    found = None
    for media_type in MEDIA_TYPES:
        # The most specific range that fits decides (RFC 9110, section 12.5.1).
        fitting = [
            (specific, -place, weight)
            for place, (name, weight) in enumerate(ranges)
            if (specific := _fits(name, media_type))
        ]
        if not fitting:
            continue
        specific, place, weight = max(fitting)
        rank = (weight, specific, place)
        if weight > 0 and (best is None or rank > best):
            best, found = rank, media_type
    if found is None:
        raise ClientError(406, f"the answer can be {', '.join(MEDIA_TYPES)}, not {value[:100]!r}")
    return found


def decode(body: bytes, media_type: str) -> str:
    """The body as text. Raises ClientError (400)."""
    try:
        # What spreadsheets and editors on Windows put before a text is no part of it.
        return body.decode("utf-8-sig" if media_type in (CSV, PLAIN) else "utf-8")
    except UnicodeDecodeError as error:
        raise ClientError(400, f"the body is not UTF-8: {error}") from None


def load(text: str, what: str) -> Any:
    """The value of a JSON text; `what` names it in a ClientError (400)."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ClientError(400, f"{what} is nested too deeply") from None
    except ValueError as error:
        raise ClientError(400, f"{what} is not JSON in UTF-8: {error}") from None


def csv_rows(body: str) -> list[list[str]]:
    """The rows of a CSV body, without empty ones at its end. Raises ClientError (400)."""
    import csv
    import io

    csv.field_size_limit(MAX_BODY_BYTES)
    try:
        rows = list(csv.reader(io.StringIO(body, newline=""), strict=True))
    except csv.Error as error:
        raise ClientError(400, f"the body is not CSV: {error}") from None
    while rows and not rows[-1]:
        rows.pop()
    return rows


def json_lines(body: str) -> list[Any]:
    """The value of each line, the last of which may be empty. Raises ClientError (400)."""
    lines = body.split("\n")
    if not lines[-1].strip():
        lines.pop()
    return [load(line, f"line {number}") for number, line in enumerate(lines, 1)]


def write(predictions: Sequence[Sequence[Prediction]], single: bool, media_type: str) -> bytes:
    """The answer. In JSON a list of labels for one bare text, a list of such lists otherwise; else a line per text."""
    if media_type in (JSON, JSON_LINES):
        lists = [[prediction._asdict() for prediction in of_text] for of_text in predictions]
        if media_type == JSON:
            text = json.dumps(lists[0] if single else lists, ensure_ascii=False)
        else:
            text = "".join(f"{json.dumps(labels, ensure_ascii=False)}\n" for labels in lists)
    else:
        rows = [[str(cell) for prediction in of_text for cell in prediction] for of_text in predictions]
        text = _as_csv(rows) if media_type == CSV else "".join("\t".join(map(_plain, row)) + "\n" for row in rows)
    return text.encode("utf-8", "replace")


def _as_csv(rows: Sequence[Sequence[str]]) -> str:
    import csv
    import io

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _plain(cell: str) -> str:
    """Tabs and line ends, which separate here, as JSON spells them."""
    return cell if cell.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in cell)


def _split(value: str) -> tuple[str, dict[str, str]]:
    media_type, *parts = (part.strip().lower() for part in value.split(";"))
    pairs = (part.partition("=") for part in parts)
    return media_type, {name.strip(): given.strip().strip('"') for name, _, given in pairs}


def _range(part: str) -> tuple[str, float]:
    """A media range and its weight; one that is no number from 0 to 1 is as if it were not said."""
    name, parameters = _split(part)
    try:
        weight = float(parameters.get("q", "1"))
    except ValueError:
        weight = 1.0
    return name, weight if 0 <= weight <= 1 else 1.0


def _fits(name: str, media_type: str) -> int:
    """How specifically a media range names a media type: 3 by its name, 2 by its kind, 1 as any; 0 if not."""
    kind = media_type.partition("/")[0]
    return {media_type: 3, f"{kind}/*": 2, "*/*": 1}.get(name, 0)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
