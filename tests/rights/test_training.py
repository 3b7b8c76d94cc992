"""What a training job may read and write: it runs code and weights that come from elsewhere, and any file dropped.

All that is refused here was allowed as long as the role could read `datasets/` and list the bucket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain import layout
from local.cloud import LocalCloud
from tests.rights.conftest import Roles
from tests.rights.people import BUCKET

pytestmark = pytest.mark.slow

RUN = "0123456789ab"
MAY_READ = [
    layout.part(1, "train", "s"),
    layout.part(12, "validation", "s"),
    layout.test_ids(1, "s"),
    layout.version(1, "d", "train.manifest"),
    layout.version(1, "d", "manifest.json"),
    f"{layout.checkpoints(RUN)}checkpoint-20/model.safetensors",
]
MAY_NOT_READ = [
    layout.part(1, "test", "s"),
    layout.part_report(1, "s"),
    f"{layout.LANDING}reviews.csv",
    layout.quarantine("s"),
    layout.run_file(RUN, "golden.json"),
    f"{layout.MODELS}automate-mlops-{RUN}-1/output/model.tar.gz",
    f"{layout.RELEASED}x/model.tar.gz",
]
MAY_WRITE = [f"{layout.checkpoints(RUN)}x", f"{layout.MODELS}automate-mlops-{RUN}-1/output/model.tar.gz"]
MAY_NOT_WRITE = [*MAY_READ[:5], *MAY_NOT_READ[:5], MAY_NOT_READ[-1]]
MAY_LIST = [layout.checkpoints(RUN), layout.MODELS, layout.version(1, "d", ""), layout.part(1, "train", "")]
MAY_NOT_LIST = [layout.LANDING, "", layout.RUNS, layout.QUARANTINE, f"{layout.epoch_prefix(1)}parts/test/"]

Refused = Callable[..., bool]


@pytest.fixture(scope="module")
def s3(roles: Roles, cloud: LocalCloud) -> Any:
    for key in {*MAY_READ, *MAY_NOT_READ}:
        cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")
    return roles.client("TrainingRole", "s3")


@pytest.mark.parametrize("key", MAY_READ)
def test_it_reads_what_it_learns_from(s3: Any, key: str) -> None:
    s3.get_object(Bucket=BUCKET, Key=key)


@pytest.mark.parametrize("key", MAY_NOT_READ)
def test_it_reads_no_row_that_it_is_judged_on_and_nothing_else(s3: Any, refused: Refused, key: str) -> None:
    assert refused(s3.get_object, Bucket=BUCKET, Key=key)


@pytest.mark.parametrize("key", MAY_WRITE)
def test_it_writes_checkpoints_and_artifacts(s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")


@pytest.mark.parametrize("key", MAY_NOT_WRITE)
def test_it_writes_nothing_else(s3: Any, refused: Refused, key: str) -> None:
    assert refused(s3.put_object, Bucket=BUCKET, Key=key, Body=b"x")


@pytest.mark.parametrize("prefix", MAY_LIST)
def test_it_lists_what_it_reads_and_writes(s3: Any, prefix: str) -> None:
    s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)


@pytest.mark.parametrize("prefix", MAY_NOT_LIST)
def test_it_lists_nothing_else(s3: Any, refused: Refused, prefix: str) -> None:
    assert refused(s3.list_objects_v2, Bucket=BUCKET, Prefix=prefix)
    assert refused(s3.list_objects_v2, Bucket=BUCKET)
    assert refused(s3.list_object_versions, Bucket=BUCKET, Prefix=prefix)


def test_it_deletes_checkpoints_alone(s3: Any, refused: Refused) -> None:
    s3.delete_object(Bucket=BUCKET, Key=MAY_WRITE[0])
    for key in (MAY_WRITE[1], MAY_READ[0], MAY_NOT_READ[2]):
        assert refused(s3.delete_object, Bucket=BUCKET, Key=key)
