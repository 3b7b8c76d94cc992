"""boto3 clients against the local AWS, each with the identity it would have on AWS: the job's role or the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

TRANSFER = TransferConfig(use_threads=False, multipart_threshold=64 * 2**20, multipart_chunksize=64 * 2**20)


def client(service: str, environment: Mapping[str, str]) -> Any:
    """A client with the AWS_* variables of `environment` (see `Platform.role_environment`).

    A session of its own: boto3's default session is not safe to use from several threads. It asks no proxy.
    """
    session = boto3.session.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment.get("AWS_SESSION_TOKEN") or None,
        region_name=environment["AWS_REGION"],
    )
    return session.client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        config=Config(retries={"max_attempts": 2, "mode": "standard"}, proxies={}),
    )


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/key` → (bucket, key). Raises ValueError for anything else."""
    if not uri.startswith("s3://"):
        raise ValueError(f"not an s3:// URI: {uri}")
    bucket, _, key = uri[len("s3://") :].partition("/")
    return bucket, key


def keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """All keys under a prefix, in order; markers of folders (keys that end with "/") are left out."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
