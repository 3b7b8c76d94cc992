"""Input channels in File mode: what S3 holds, under the channel's directory, before the container starts."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from local.sagemaker.clients import TRANSFER, keys, split_uri


class DownloadError(Exception):
    """A channel that cannot be downloaded; the text becomes the job's FailureReason."""


def download(s3: Any, channel: dict[str, Any], into: Path, role_arn: str) -> int:
    """Download one channel and return the number of files.

    S3Prefix keeps the keys relative to the prefix; ManifestFile is a JSON list whose first item holds the
    `prefix` and whose other items are keys relative to it, kept as they are under the channel.

    Raises:
        DownloadError: nothing there, a malformed manifest, or a key that would leave the channel.
    """
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise DownloadError("ClientError: the local cloud downloads S3DataSource channels only")
    uri, kind = source["S3Uri"], source["S3DataType"]
    into.mkdir(parents=True, exist_ok=True)
    if kind == "S3Prefix":
        bucket, files = _prefix(s3, uri)
    elif kind == "ManifestFile":
        bucket, files = _manifest(s3, uri)
    else:
        raise DownloadError(f"ClientError: S3DataType {kind} is not supported by the local cloud")
    if not files:
        raise DownloadError(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data source. '
            f"Please ensure that the bucket exists, that objects exist under that S3 prefix, and that the role "
            f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )
    for key, relative in files:
        path = _inside(into, relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(path), Config=TRANSFER)
    return len(files)


def _prefix(s3: Any, uri: str) -> tuple[str, list[tuple[str, str]]]:
    bucket, prefix = split_uri(uri)
    base = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    return bucket, [
        (key, key[len(base) :] if key.startswith(base) else PurePosixPath(key).name) for key in keys(s3, bucket, prefix)
    ]


def _manifest(s3: Any, uri: str) -> tuple[str, list[tuple[str, str]]]:
    bucket, key = split_uri(uri)
    try:
        document = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        root, *names = document
        if not all(isinstance(name, str) for name in names):
            raise TypeError("entries after the prefix must be strings")
        bucket, prefix = split_uri(root["prefix"])
    except (ValueError, TypeError, KeyError) as error:
        raise DownloadError(f"ClientError: Data download failed:Invalid manifest file {uri}: {error}") from error
    return bucket, [(prefix + name, name) for name in names]


def _inside(directory: Path, relative: str) -> Path:
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts:
        raise DownloadError(f"ClientError: Data download failed:{relative!r} leaves the channel directory")
    return directory.joinpath(*parts)
