"""Archives that were judged, below released/: written by Evaluate, each under its own SHA-256, and checked before use.

S3 takes the SHA-256 of what it receives in one PutObject (at most 5 GB), refuses other bytes than were announced, and
says it again to whoever asks: so a check reads no archive. Of a multipart upload it would tell another sum, of its
parts' sums (S3's API Reference, PutObject and HeadObject, `ChecksumSHA256`).
"""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Final

from domain import layout
from domain.errors import NotReleased
from domain.state import Champion
from lambdas.environment import Environment, now

# Longer than any function runs: what Evaluate wrote since has perhaps not been noted yet.
_FRESH: Final = timedelta(hours=1)


def uri(env: Environment, archive: str) -> str:
    """The S3 URI of an archive by its SHA-256."""
    return layout.s3_uri(env.bucket, layout.released(archive))


def place(env: Environment, champion: Champion) -> str:
    """The S3 URI of a champion's archive; one of an earlier release that is not adopted yet lies where it was left."""
    seal = env.ledger.judgements.seal(champion)
    return uri(env, seal.archive) if seal else champion.unsealed


def write(env: Environment, path: Path, archive: str) -> None:
    """Write the file `path`, whose SHA-256 is `archive`: written twice it is the same object, and fresh.

    S3 refuses it (BadDigest) if the file has changed since it was hashed.
    """
    with path.open("rb") as body:
        env.client("s3").put_object(
            Bucket=env.bucket, Key=layout.released(archive), Body=body, ChecksumSHA256=_as_s3_says(archive)
        )


def check(env: Environment, archive: str) -> None:
    """See that S3 holds exactly these bytes. Raises NotReleased."""
    s3, key = env.client("s3"), layout.released(archive)
    try:
        found = s3.head_object(Bucket=env.bucket, Key=key, ChecksumMode="ENABLED")
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "404":
            raise NotReleased(f"{key} is gone: restore its last version, or train again") from error
        raise
    if found.get("ChecksumSHA256") != _as_s3_says(archive):
        said = found.get("ChecksumSHA256", "none")
        raise NotReleased(f"{key} has the checksum {said}, not the one that its name says: it is not what was judged")


def prune(env: Environment, keep: set[str]) -> None:
    """Delete the archives but those whose SHA-256 is in `keep`. The bucket keeps deleted versions for a while."""
    s3 = env.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=env.bucket, Prefix=layout.RELEASED)
    for item in [item for page in pages for item in page.get("Contents", [])]:
        archive = layout.released_archive(item["Key"])
        if archive and archive not in keep and item["LastModified"] < now() - _FRESH:
            s3.delete_object(Bucket=env.bucket, Key=item["Key"])


def _as_s3_says(archive: str) -> str:
    """A SHA-256 in hexadecimal digits as S3 has it, in Base64."""
    return base64.b64encode(bytes.fromhex(archive)).decode()
