"""The requests that are answered: a picture as the body, or pictures in JSON and JSON lines, and what is refused."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, NamedTuple

from tasks.formats import CSV, JSON, PLAIN, ClientError, content_type, decode, json_lines, load
from tasks.parameters import read as read_parameters
from tasks.parameters import refuse_others, require, top_k

# What a picture's bytes are is seen from themselves; the last one is what SageMaker's own algorithms call any picture.
PICTURES: Final = ("image/jpeg", "image/png", "image/webp", "application/x-image")
# A body of 4 MB has fewer photographs; so many small ones are answered within a minute.
MAX_PICTURES: Final = 64
# Labels that are answered if no number is asked for: that of transformers' image-classification pipeline.
_LABELS: Final = 5
# How JSON may begin. The hub's client names no content type for the bytes of a picture, and none begins so.
_BEGINS_JSON: Final = (b"", b"{", b"[", b'"')
_PARAMETERS: Final = {"top_k": top_k}
# What a browser puts before the base64 of a file.
_DATA: Final = "data:"


class Asked(NamedTuple):
    """An encoded picture as it was sent, and where it stands in the request."""

    content: bytes
    place: str


class Invocation(NamedTuple):
    """A valid request: its pictures, of which nothing is decoded yet; whether it was one bare picture; and how many
    labels are asked for (None: all).
    """

    pictures: list[Asked]
    single: bool = False
    top_k: int | None = _LABELS


def parse(header: str, body: bytes) -> Invocation:
    """Read the body of a POST to /invocations with this header Content-Type.

    Raises ClientError (400, 413 or 415), never anything else.
    """
    kind = content_type(header, PICTURES)
    if kind.media_type in PICTURES or (not header and body.lstrip()[:1] not in _BEGINS_JSON):
        return Invocation([Asked(body, "the picture")], single=True)
    if kind.media_type in (CSV, PLAIN):
        raise ClientError(
            415,
            f"a picture is no {kind.media_type}: send its bytes as {', '.join(PICTURES)}, or its base64 as {JSON}",
        )
    text = decode(body, kind.media_type)
    if kind.media_type == JSON:
        return _parse_json(load(text, "the body"))
    lines = json_lines(text)
    _check_number(len(lines), "the body")
    return Invocation([_asked(_bare(line, f"line {n}"), f"line {n}") for n, line in enumerate(lines, 1)])


def _parse_json(message: Any) -> Invocation:
    if not isinstance(message, dict) or "inputs" not in message:
        raise ClientError(400, 'the body must be an object with "inputs"')
    refuse_others(message, ("inputs", "parameters", "options"), "the body")
    labels = read_parameters(message, _PARAMETERS).get("top_k", _LABELS)
    inputs, named = message["inputs"], '"inputs"'
    if isinstance(inputs, str):
        return Invocation([_asked(inputs, named)], single=True, top_k=labels)
    require(isinstance(inputs, list), f"{named} must be the base64 of a picture, or a list of those")
    _check_number(len(inputs), named)
    return Invocation([_asked(item, f"{named}[{index}]") for index, item in enumerate(inputs)], top_k=labels)


def _bare(line: Any, what: str) -> Any:
    """The picture of a JSON line, which may be wrapped as the inputs of a request are."""
    if isinstance(line, dict) and "inputs" in line:
        refuse_others(line, ("inputs",), what)
        return line["inputs"]
    return line


def _asked(text: Any, place: str) -> Asked:
    require(isinstance(text, str), f"{place} must be the base64 of a picture")
    letters = text
    if text.startswith(_DATA):
        described, comma, letters = text.partition(",")
        require(comma == "," and described.endswith(";base64"), f"{place} begins with data:, but not of base64")
    try:
        # Some programs break base64 into lines.
        content = base64.b64decode("".join(letters.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ClientError(400, f"{place} is not the base64 of a picture: {error}") from None
    return Asked(content, place)


def _check_number(pictures: int, what: str) -> None:
    require(pictures > 0, f"{what} has no pictures")
    if pictures > MAX_PICTURES:
        raise ClientError(413, f"{what} has {pictures} pictures; at most {MAX_PICTURES} are answered at once")
