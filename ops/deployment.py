"""One deployed pipeline, found by its project's name in the account and region of the usual AWS environment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError

from domain import layout
from ledger.ledger import Ledger
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.errors import NotDeployed, Unusable, in_plain_words, not_deployed
from ops.people import Place

ROOT = Path(__file__).resolve().parent.parent
# The first answer of a Serverless endpoint may take its whole minute; AWS advises to wait 70 s.
_INVOKE_SECONDS = 75
_AWS_POLL_SECONDS, _LOCAL_POLL_SECONDS = 3.0, 0.5


@dataclass(frozen=True)
class Deployment:
    """A project in an account and region. `make` makes a boto3 client: a service, and keywords of botocore's Config."""

    project: str
    account: str
    region: str
    make: Callable[..., Any]
    table: Any
    poll_seconds: float = _AWS_POLL_SECONDS
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def find(cls, project: str) -> Deployment:
        """The deployment that the environment leads to.

        Raises NoAccess without credentials, region or connection, and NotDeployed if its ledger is not there.
        """
        with in_plain_words(project):
            session = aws_session()
            if session.region_name is None:
                raise NoRegionError()
            sts = session.client("sts", config=Config(retries={"mode": "standard", "max_attempts": 2}))
            account = str(sts.get_caller_identity()["Account"])
            name = layout.ledger(project)
            try:
                session.client("dynamodb").describe_table(TableName=name)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    raise NotDeployed(not_deployed(project)) from error
                raise
            return cls(
                project=project,
                account=account,
                region=str(session.region_name),
                make=lambda service, **config: session.client(service, config=Config(**config)),
                table=session.resource("dynamodb").Table(name),
                poll_seconds=_LOCAL_POLL_SECONDS if is_local(sts) else _AWS_POLL_SECONDS,
            )

    @classmethod
    def on(cls, cloud: LocalCloud, project: str) -> Deployment:
        """The deployment on a local cloud that this process runs."""
        table = cloud.resource("dynamodb").Table(layout.ledger(project))
        return cls(project, ACCOUNT, REGION, cloud.client, table, _LOCAL_POLL_SECONDS)

    def client(self, service: str) -> Any:
        """A boto3 client, made once."""
        if service not in self._clients:
            config: dict[str, Any] = {"retries": {"mode": "standard", "max_attempts": 5}}
            if service == "sagemaker-runtime":
                config["read_timeout"] = _INVOKE_SECONDS
            self._clients[service] = self.make(service, **config)
        return self._clients[service]

    @cached_property
    def ledger(self) -> Ledger:
        """The facts that change."""
        return Ledger(self.table)

    @property
    def bucket(self) -> str:
        """Name of the data bucket."""
        return layout.bucket(self.project, self.account, self.region)

    @property
    def endpoint(self) -> str:
        """Name of the endpoint."""
        return layout.endpoint(self.project)

    @property
    def state_machine(self) -> str:
        """ARN of the state machine."""
        return self.arn("states", f"stateMachine:{layout.state_machine(self.project)}")

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and region."""
        return f"arn:{partition_of(self.region)}:{service}:{self.region}:{self.account}:{resource}"

    def execution_arn(self, name: str) -> str:
        """ARN of an execution by its name; an ARN is returned as it is."""
        if name.startswith("arn:"):
            return name
        return layout.execution(self.state_machine, name)

    def read_json(self, key: str) -> Any:
        """A JSON object of the bucket, or None if there is none."""
        s3 = self.client("s3")
        try:
            return json.loads(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None

    def read_text(self, key: str) -> str:
        """A text object of the bucket, "" if there is none."""
        s3 = self.client("s3")
        try:
            return str(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode())
        except s3.exceptions.NoSuchKey:
            return ""


def aws_session() -> boto3.session.Session:
    """boto3's session of the usual AWS environment; its region may be None. Raises botocore's ProfileNotFound."""
    # boto3 itself reads only AWS_DEFAULT_REGION; every other tool of AWS prefers AWS_REGION.
    return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)


def is_local(client: Any) -> bool:
    """Whether a boto3 client asks a local cloud."""
    return urlparse(client.meta.endpoint_url).hostname in ("127.0.0.1", "localhost")


def partition_of(region: str) -> str:
    """AWS's partition of a region: `aws`, `aws-cn`, `aws-us-gov`."""
    return str(boto3.session.Session().get_partition_for_region(region))


def place_of(project: str) -> Place:
    """A project, deployed or not, in the account and region that the environment leads to. Raises NoAccess."""
    with in_plain_words(project):
        session = aws_session()
        if session.region_name is None:
            raise NoRegionError()
        account = str(session.client("sts").get_caller_identity()["Account"])
    region = str(session.region_name)
    return Place(project, account, region, partition_of(region))


def default_project() -> str:
    """The project's name: MLOPS_PROJECT, or what cdk.json says. Raises Unusable if cdk.json cannot be read."""
    named = os.environ.get("MLOPS_PROJECT")
    if named:
        return named
    try:
        return str(json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["settings"]["project"])
    except (OSError, ValueError, KeyError) as error:
        raise Unusable(f"cdk.json names no project ({error}): name one with --project or MLOPS_PROJECT") from error
