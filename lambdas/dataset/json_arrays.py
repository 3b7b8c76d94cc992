"""A JSON array as a stream of its elements' bytes, in flat memory.

No parser of streams takes what Python's own takes (NaN, Infinity, integers of any length), and stops at one bad
element. So an array is only cut up here, at the commas between its elements; each is then read like a JSON line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, Final

from domain.data.records import FileRejected

_CHUNK: Final = 1 << 16
_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*"'
# Up to the next bracket, or comma between elements, that stands in no text.
_WITHIN: Final = re.compile(rb'[^"\[\]{}]*+(?:%b[^"\[\]{}]*+)*' % _TEXT, re.DOTALL)
# One flat object with the comma behind it: what most elements are, in one step.
_OBJECT: Final = re.compile(rb'\s*+(\{[^"\[\]{}]*+(?:%b[^"\[\]{}]*+)*\})\s*+,' % _TEXT, re.DOTALL)
_BETWEEN: Final = re.compile(rb'[^"\[\]{},]*+(?:%b[^"\[\]{},]*+)*' % _TEXT, re.DOTALL)
_QUOTE, _COMMA, _CLOSE = b'",]'
_OPENING, _CLOSING = b"[{", b"]}"


def elements(stream: io.BufferedReader[Any], most: int) -> Iterator[bytes]:
    """The bytes of each element of the array that `stream` begins with, up to `most` of each.

    Raises FileRejected: `row-too-long`; `not-json` where the array does not end, or where more follows it.
    """
    buffer = stream.read(_CHUNK)
    # `at` is how far the element that begins at `start` has been looked through.
    start = at = buffer.index(b"[") + 1
    depth, number = 0, 1
    while True:
        while at == start and (flat := _OBJECT.match(buffer, start)):
            yield flat[1]
            start = at = flat.end()
            number += 1
        at = (_WITHIN if depth else _BETWEEN).match(buffer, at).end()  # type: ignore[union-attr]
        if at == len(buffer) or buffer[at] == _QUOTE:
            # The buffer ends here, or within this text. Twice as much each time: a long text is not seen too often.
            kept = len(buffer) - start
            if kept > most:
                raise FileRejected(
                    "row-too-long", f"element {number} has over {most:,} characters: write one row there"
                )
            more = stream.read(max(_CHUNK, min(kept, most + _CHUNK - kept)))
            if not more:
                raise _no_array(number - 1, "it does not end: copy or export it again")
            buffer, at, start = buffer[start:] + more, at - start, 0
            continue
        found, at = buffer[at], at + 1
        if found in _OPENING:
            depth += 1
        elif depth:
            depth -= found in _CLOSING
        elif found in (_COMMA, _CLOSE):
            element = buffer[start : at - 1].strip()
            if element or found == _COMMA:
                yield element
            if found == _CLOSE:
                break
            start, number = at, number + 1
        else:
            raise _no_array(number - 1, "a bracket closes that was not opened: check the brackets there")
    rest = buffer[at:]
    while rest:
        if rest.strip():
            raise _no_array(number, "more follows its end: write one array a file, or one object a line")
        rest = stream.read(_CHUNK)


def _no_array(number: int, why: str) -> FileRejected:
    return FileRejected("not-json", f"not a JSON array of objects after element {number}: {why}")
