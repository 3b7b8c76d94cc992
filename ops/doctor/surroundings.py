"""What the doctor looks at: a project's settings, and the account and region that the environment leads to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from pydantic import ValidationError

from domain.settings import Settings
from ops.deployment import ROOT, is_local, partition_of
from ops.errors import Unusable
from tasks.settings import UnknownTask, of_project

# A person waits, and no answer is an answer too.
PATIENCE: Final = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "max_attempts": 3})


@dataclass(frozen=True)
class Surroundings:
    """A project in an account and region."""

    settings: Settings
    account: str
    region: str
    session: boto3.session.Session
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def project(self) -> str:
        """The project's name."""
        return self.settings.project

    def client(self, service: str) -> Any:
        """A boto3 client, made once."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service, config=PATIENCE)
        return self._clients[service]

    def table(self, name: str) -> Any:
        """A DynamoDB table."""
        return self.session.resource("dynamodb", config=PATIENCE).Table(name)

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and region."""
        return f"arn:{partition_of(self.region)}:{service}:{self.region}:{self.account}:{resource}"

    @property
    def local(self) -> bool:
        """Whether this is the local cloud, which has no images and no quotas of an account."""
        return is_local(self.client("sts"))


def settings_of(raw: Mapping[str, Any]) -> Settings:
    """Settings of an object as in cdk.json. Raises Unusable with what is wrong; `make synth` says it at more length."""
    try:
        return of_project(raw).model_validate_json(json.dumps(raw), strict=True)
    except UnknownTask as error:
        raise Unusable(str(error)) from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'settings'}: {one['msg']}" for one in error.errors())
        raise Unusable(f"The settings cannot be used: {wrong}. More about those in cdk.json: make synth") from error


def written(root: Path = ROOT) -> Settings:
    """The settings of cdk.json. Raises Unusable."""
    try:
        raw = json.loads((root / "cdk.json").read_text(encoding="utf-8"))["context"]["settings"]
    except (OSError, ValueError, KeyError) as error:
        raise Unusable(f"cdk.json cannot be read: {error}") from error
    return settings_of(raw)
