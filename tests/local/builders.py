"""What the tests of the local cloud put into it: roles, code, artifacts, requests; and how they wait."""

from __future__ import annotations

import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from local.cloud import REGION, LocalCloud

PROGRAMS = Path(__file__).with_name("programs")
BUCKET = "local-tests"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:x"
DEADLINE = 90.0


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def role(cloud: LocalCloud, name: str, *statements: dict[str, Any], service: str = "sagemaker") -> str:
    """Create a role that `service` may assume, with these statements; its ARN."""
    iam = cloud.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return arn


def user(cloud: LocalCloud, *statements: dict[str, Any]) -> boto3.session.Session:
    """A session of a new IAM user with these statements; its clients need the cloud's `endpoint_url`."""
    iam, name = cloud.client("iam"), unique("user")
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)


def tarball(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {item.name: tar.extractfile(item).read() for item in tar.getmembers() if item.isfile()}  # type: ignore[union-attr]


def put(cloud: LocalCloud, key: str, content: bytes | str) -> str:
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"s3://{BUCKET}/{key}"


def get(cloud: LocalCloud, key: str) -> bytes:
    body: bytes = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def channel(name: str, uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def training_job(name: str, role_arn: str, *, spot: bool = False, **hyperparameters: Any) -> dict[str, Any]:
    """A CreateTrainingJob request for programs/train.py."""
    stopping: dict[str, int] = {"MaxRuntimeInSeconds": 300}
    if spot:
        stopping["MaxWaitTimeInSeconds"] = 600
    values = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"s3://{BUCKET}/code.tar.gz",
        **hyperparameters,
    }
    return {
        "TrainingJobName": name,
        "RoleArn": role_arn,
        "EnableManagedSpotTraining": spot,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}],
        },
        "HyperParameters": {key: json.dumps(value) for key, value in values.items()},
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": stopping,
        "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/{name}/"},
    }


def eventually(look: Callable[[], Any], what: str = "") -> Any:
    """What `look` returns once it is true; fails with a word about it after the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not (found := look()):
        assert time.monotonic() < deadline, f"never: {what or look}"
        time.sleep(0.1)
    return found


def ended(cloud: LocalCloud, name: str) -> dict[str, Any]:
    """The description of a training job once it is over."""
    sagemaker = cloud.client("sagemaker")

    def look() -> dict[str, Any] | None:
        record: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        return record if record["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    record: dict[str, Any] = eventually(look, f"{name} ended")
    return record


def settled(cloud: LocalCloud, name: str) -> dict[str, Any]:
    """The description of an endpoint once nothing is in progress."""
    sagemaker = cloud.client("sagemaker")

    def look() -> dict[str, Any] | None:
        record: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        return record if record["EndpointStatus"] in ("InService", "Failed") else None

    record: dict[str, Any] = eventually(look, f"{name} settled")
    return record


def log_lines(cloud: LocalCloud, group: str, prefix: str) -> list[str]:
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)[
            "events"
        ]
    ]
