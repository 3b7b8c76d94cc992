"""Where the story is played: on a local cloud of its own, or on an account of AWS."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from domain import layout
from domain.settings import Settings
from ops.deployment import ROOT
from tests.e2e.driver import Cloud

_CDK = ROOT / "node_modules" / ".bin" / "cdk"


class AwsAccount:
    """An account of AWS, by the credentials of the environment, as the local cloud's class has it."""

    def __init__(self, region: str, directory: Path) -> None:
        self._session, self._directory = boto3.session.Session(region_name=region), directory

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client; a Serverless endpoint's first answer may take its whole minute."""
        return self._session.client(service, config=Config(**{"read_timeout": 75, **config}))

    def resource(self, service: str) -> Any:
        """A boto3 resource."""
        return self._session.resource(service)

    def deploy(self, overlay: Mapping[str, Any]) -> None:
        """`cdk deploy` of the app with `overlay` over its settings. Raises CalledProcessError."""
        self._cdk(overlay, "deploy", "--all", "--require-approval", "never", "--import-existing-resources")

    def destroy(self, overlay: Mapping[str, Any]) -> None:
        """`cdk destroy`. Raises CalledProcessError."""
        self._cdk(overlay, "destroy", "--all", "--force")

    def _cdk(self, overlay: Mapping[str, Any], command: str, *arguments: str) -> None:
        path = self._directory / "overlay.json"
        path.write_text(json.dumps(overlay))
        line = [str(_CDK), command, *arguments, "--output", str(self._directory / "cdk.out"), "-c", f"overlay={path}"]
        subprocess.run(line, cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


@dataclass(frozen=True)
class Target:
    """A project of its own on a cloud. `settle_seconds`: how long a new bucket may take until its events arrive."""

    kind: str
    cloud: Cloud
    account: str
    region: str
    settings: Settings
    deploy: Callable[[], None]
    destroy: Callable[[], None]
    deadline: float
    settle_seconds: float = 0.0

    @property
    def local(self) -> bool:
        """Whether it is the local cloud, which says nothing about AWS."""
        return self.kind == "local"

    @property
    def bucket(self) -> str:
        """The data bucket."""
        return layout.bucket(self.settings.project, self.account, self.region)


def leave_nothing(target: Target, queues: list[str]) -> None:
    """Remove everything that the project made, its data and its ledger too. What one step leaves, stops no other."""
    with ExitStack() as steps:
        steps.callback(_delete_table, target)
        steps.callback(_delete_bucket, target)
        for queue in queues:
            steps.callback(target.cloud.client("sqs").delete_queue, QueueUrl=queue)
        # Called first: the stack writes to what is deleted then.
        steps.callback(_destroy, target)


def _destroy(target: Target) -> None:
    try:
        target.cloud.client("cloudformation").describe_stacks(StackName=target.settings.project)
    except ClientError as error:
        if "does not exist" in str(error):
            return
        raise
    target.destroy()


def _delete_bucket(target: Target) -> None:
    s3 = target.cloud.client("s3")
    try:
        pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=target.bucket))
    except s3.exceptions.NoSuchBucket:
        return
    for page in pages:
        objects = [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for one in page.get(kind, [])
        ]
        if objects:
            s3.delete_objects(Bucket=target.bucket, Delete={"Objects": objects})
    s3.delete_bucket(Bucket=target.bucket)


def _delete_table(target: Target) -> None:
    dynamodb, name = target.cloud.client("dynamodb"), layout.ledger(target.settings.project)
    try:
        if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return
