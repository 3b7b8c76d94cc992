"""One local cloud for these tests, with IAM enforced, short limits and a serving command that behaves on demand."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator

import pytest

from local.cloud import LocalCloud
from tests.local import builders

SETTINGS = {
    "LOCAL_SAGEMAKER_SERVE": shlex.join([sys.executable, str(builders.PROGRAMS / "serve.py")]),
    "LOCAL_SAGEMAKER_IDLE_SECONDS": "2",
    # These tests leave their endpoints behind.
    "LOCAL_SAGEMAKER_SERVERLESS_CONCURRENCY": "1000",
    "LOCAL_SAGEMAKER_START_SECONDS": "10",
    "LOCAL_SAGEMAKER_STOP_SECONDS": "0.5",
    "LOCAL_SAGEMAKER_RESTART_SECONDS": "0.2",
    "LOCAL_SAGEMAKER_SYNC_SECONDS": "0.2",
    "LOCAL_LAMBDA_IDLE_SECONDS": "5",
    "CLOUDTRAIL_RECORDING": "1",
}


@pytest.fixture(scope="session")
def small_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(settings=SETTINGS).start(tmp_path_factory.mktemp("cloud")) as cloud:
        cloud.client("s3").create_bucket(Bucket=builders.BUCKET)
        code = (builders.PROGRAMS / "train.py").read_bytes()
        builders.put(cloud, "code.tar.gz", builders.tarball({"train.py": code}))
        yield cloud


@pytest.fixture(scope="session")
def sagemaker_role(small_cloud: LocalCloud) -> str:
    return builders.role(
        small_cloud,
        "sagemaker",
        builders.allow("s3:*", "logs:*"),
        {
            **builders.allow("cloudwatch:PutMetricData"),
            "Condition": {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}},
        },
    )
