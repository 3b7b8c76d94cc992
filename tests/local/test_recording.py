"""What roles ask of IAM is written down when it is asked for: each different thing once, with its condition keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.cloud import LocalCloud, LocalCloudError
from tests.local import builders


def test_what_roles_ask_is_recorded_and_nothing_else(tmp_path: Path) -> None:
    with LocalCloud(tmp_path, settings={"LOCAL_RECORD": "1"}) as cloud:
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        arn = builders.role(cloud, "asks", builders.allow("s3:ListBucket"), trust=trust)
        cloud.client("s3").create_bucket(Bucket="recorded")
        s3 = builders.acting_as(cloud, arn).client("s3", endpoint_url=cloud.url)
        for _ in range(2):
            s3.list_objects_v2(Bucket="recorded", Prefix="landing/")
        with pytest.raises(s3.exceptions.ClientError):
            s3.put_object(Bucket="recorded", Key="k", Body=b"")
        assert [(one.role, one.action, one.resource, one.context) for one in cloud.asked()] == [
            ("asks", "s3:ListBucket", "arn:aws:s3:::recorded", (("s3:prefix", ("landing/",)),)),
            ("asks", "s3:PutObject", "arn:aws:s3:::recorded/k", ()),
        ]


def test_nothing_is_recorded_unasked(small_cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="LOCAL_RECORD"):
        small_cloud.asked()
