"""Held-out pictures that a run's model answered wrongly, for the run's page.

They are read from the bucket as rows, so only who may read rows sees them: no receipt, mail or log has a picture.
"""

from __future__ import annotations

import gzip
import heapq
import io
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final, NamedTuple

from domain import layout
from ops import receipts
from ops.deployment import Deployment

MOST: Final = 12
# The longer side of a thumbnail, in pixels: twelve of them as PNG are half a megabyte at most.
SIDE: Final = 112
# Of rows, unpacked: from a larger dataset those are shown that are found in so much of its newest files.
_MOST_CHARS: Final = 100_000_000


class Mistaken(NamedTuple):
    """A thumbnail as a `data:` URI, what the picture is labelled, what was answered and with which probability."""

    picture: str
    label: str
    answer: str
    score: float


def mistaken(deployment: Deployment, receipt: receipts.Receipt) -> list[Mistaken]:
    """Those that the model was surest of; none where a row is no picture. Raises botocore's ClientError."""
    columns = [name for name, kind in receipts.column_types(receipt).items() if kind == "image"]
    if not columns:
        return []
    run, artifact = receipt["run"], receipt["artifact"]
    answers = {
        line["id"]: line
        for line in map(json.loads, _lines(deployment, layout.run_file(run, "predictions.jsonl.gz")))
        if line["artifact"] == artifact
    }
    wrong = (
        (answers[row["id"]], row)
        for row in _counting_rows(deployment, receipt["data"])
        if row["id"] in answers and answers[row["id"]]["label"] != row["label"]
    )
    surest = heapq.nlargest(MOST, wrong, key=lambda pair: (pair[0]["score"], pair[0]["id"]))
    return [
        Mistaken(_thumbnail(row["features"][columns[0]]), row["label"], answer["label"], answer["score"])
        for answer, row in surest
    ]


def _counting_rows(deployment: Deployment, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The held-out rows of a receipt's dataset, newest file first, as far as they are looked at.

    Of rows with the same picture the last one of the newest file counts.
    """
    seen: set[str] = set()
    read = 0
    for source in reversed(data["sources"]):
        rows: dict[str, dict[str, Any]] = {}
        for line in _lines(deployment, layout.part(data["epoch"], "test", source["source"])):
            read += len(line)
            if read > _MOST_CHARS:
                break
            row = json.loads(line)
            rows[row["id"]] = row
        yield from (row for known, row in rows.items() if known not in seen)
        seen |= rows.keys()
        if read > _MOST_CHARS:
            return


def _lines(deployment: Deployment, key: str) -> Iterator[str]:
    """The lines of a gzipped text object."""
    body = deployment.client("s3").get_object(Bucket=deployment.bucket, Key=key)["Body"]
    with closing(body), gzip.open(body, "rt", encoding="utf-8") as lines:
        yield from lines


def _thumbnail(picture: str) -> str:
    from PIL import Image

    body = io.BytesIO()
    with Image.open(io.BytesIO(b64decode(picture)), formats=("JPEG", "PNG", "WEBP")) as image:
        image.thumbnail((SIDE, SIDE))
        image.save(body, "PNG")
    return f"data:image/png;base64,{b64encode(body.getvalue()).decode()}"
