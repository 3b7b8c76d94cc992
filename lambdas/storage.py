"""Reading and writing the bucket: small JSON and gzipped JSON lines."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO, Any, Final, cast

from domain import layout
from domain.data.dataset import Source, Version, listed
from lambdas.environment import Environment

# Of one object, in bytes.
_IN_MEMORY: Final = 64_000_000


def landed(env: Environment) -> list[Source]:
    """The objects under `landing/` now, in the order S3 lists them."""
    s3 = env.client("s3")
    return listed(s3.get_paginator("list_objects_v2").paginate(Bucket=env.bucket, Prefix=layout.LANDING))


def read_json(env: Environment, key: str) -> Any:
    """A JSON object of the bucket, or None if there is none."""
    body = _get(env, key)
    return None if body is None else json.loads(body)


def write_json(env: Environment, key: str, value: object) -> None:
    """Write a JSON object; S3 puts are atomic, so it is there whole or not at all."""
    body = json.dumps(value, indent=1, ensure_ascii=False).encode()
    env.client("s3").put_object(Bucket=env.bucket, Key=key, Body=body, ContentType="application/json")


def read_text_lines(env: Environment, key: str) -> Iterator[str]:
    """The lines of a gzipped text object, without their ends; none if it does not exist."""
    # All of it at first: S3 does not wait while the lines are looked at. What is large, as pictures are, lies on disk.
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        if not _copy(env, key, cast(IO[bytes], file)):
            return
        file.seek(0)
        with gzip.open(cast(IO[bytes], file), "rt", encoding="utf-8", newline="\n") as lines:
            yield from (line.removesuffix("\n") for line in lines)


def read_lines(env: Environment, key: str) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON lines object; none if it does not exist."""
    return map(json.loads, read_text_lines(env, key))


def write_lines(env: Environment, key: str, rows: Iterable[object]) -> None:
    """Write rows as gzipped JSON lines, the same bytes for the same rows."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    env.client("s3").put_object(Bucket=env.bucket, Key=key, Body=buffer.getvalue())


def exists(env: Environment, uri: str) -> bool:
    """Whether there is an object at an S3 URI."""
    bucket, key = layout.split_uri(uri)
    s3 = env.client("s3")
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise
    return True


def delete_models(env: Environment, runs: set[str]) -> None:
    """Delete what the training jobs of `runs` left below models/. The bucket keeps deleted versions for a while."""
    s3 = env.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=env.bucket, Prefix=layout.MODELS)
    for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
        if layout.trained_run(env.project, key.removeprefix(layout.MODELS).partition("/")[0]) in runs:
            s3.delete_object(Bucket=env.bucket, Key=key)


def read_version(env: Environment, epoch: int, dataset: str) -> Version:
    """A dataset version. Raises LookupError if it was never written."""
    value = read_json(env, layout.version(epoch, dataset, "manifest.json"))
    if value is None:
        raise LookupError(f"dataset {dataset} of epoch {epoch} has no manifest in {env.bucket}")
    return Version.from_json(value)


def _get(env: Environment, key: str) -> bytes | None:
    content = io.BytesIO()
    return content.getvalue() if _copy(env, key, content) else None


def _copy(env: Environment, key: str, to: IO[bytes]) -> bool:
    """Write an object's content to a file; False if there is no such object."""
    s3 = env.client("s3")
    try:
        answer = s3.get_object(Bucket=env.bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        return False
    with closing(answer["Body"]) as body:
        shutil.copyfileobj(body, to)
    return True
