"""Objects live on disk: many large versions don't grow the server, and all of them stay readable."""

from __future__ import annotations

import psutil

from local.cloud import LocalCloud
from tests.local import builders

SIZE, WRITES = 16 * 2**20, 8


def test_versions_take_no_memory_and_stay_readable(small_cloud: LocalCloud) -> None:
    bucket, s3 = builders.unique("versions"), small_cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    server = psutil.Process(small_cloud.pid)
    before = server.memory_info().rss
    written = [
        s3.put_object(Bucket=bucket, Key="checkpoint", Body=bytes([number]) * SIZE)["VersionId"]
        for number in range(WRITES)
    ]
    s3.delete_object(Bucket=bucket, Key="checkpoint")
    assert server.memory_info().rss - before < SIZE * WRITES / 2
    for number, version in enumerate(written):
        body = s3.get_object(Bucket=bucket, Key="checkpoint", VersionId=version)["Body"].read()
        assert (len(body), body[:1]) == (SIZE, bytes([number]))
