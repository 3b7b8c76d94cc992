"""A function's environment as a typed value, and the AWS clients it needs, made on first use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from domain import errors, layout
from domain.settings import Settings
from ledger.ledger import Ledger

# The longest pause before a Serverless endpoint's answer is its 60 s limit; AWS advises to wait 70 s.
_INVOKE_SECONDS = 75
# botocore waits for a minute, which is longer than most functions may run: a call that hangs would take them with it.
_ANSWER_SECONDS = 10
# How AWS's services say that a permission is missing.
_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403")


class NotYetAllowed(errors.NotYetAllowed, ClientError):  # type: ignore[misc]  # botocore has no types
    """The same as boto3 raises it: whoever knows ClientError knows this one. The state machine goes by the name."""


@dataclass(frozen=True)
class Environment:
    """What every function is given at deploy."""

    project: str
    bucket: str
    ledger_table: str
    state_machine_arn: str
    topic_arn: str
    endpoint: str
    settings: Settings
    code_uri: str
    code_hash: str
    training_image: str
    serving_image: str
    endpoint_role_arn: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Environment:
        """The environment that a function's variables are, this process's unless others are given.

        Raises KeyError naming a variable that is missing, and ValidationError for settings of another release.
        """
        return cls(
            project=variables["PROJECT"],
            bucket=variables["BUCKET"],
            ledger_table=variables["LEDGER"],
            state_machine_arn=variables["STATE_MACHINE_ARN"],
            topic_arn=variables["TOPIC_ARN"],
            endpoint=variables["ENDPOINT"],
            settings=Settings.model_validate_json(variables["SETTINGS"]),
            code_uri=variables["CODE_URI"],
            code_hash=variables["CODE_HASH"],
            training_image=variables["TRAINING_IMAGE"],
            serving_image=variables["SERVING_IMAGE"],
            endpoint_role_arn=variables["ENDPOINT_ROLE_ARN"],
        )

    @property
    def rehearsal(self) -> str:
        """The endpoint that a candidate answers on before it may go live."""
        return layout.rehearsal(self.project)

    @property
    def tags(self) -> list[dict[str, str]]:
        """What is made at run time is tagged as the stack tags what it makes."""
        return [{"Key": "project", "Value": self.project}]

    @cached_property
    def ledger(self) -> Ledger:
        """The facts that change."""
        return Ledger(_table(self.ledger_table))

    def client(self, service: str) -> Any:
        """A boto3 client, shared by all invocations of this process."""
        return _client(service)


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def timestamp() -> str:
    """The present moment, ISO 8601 in UTC to the second."""
    return now().isoformat(timespec="seconds")


@cache
def _session() -> Any:
    session = boto3.session.Session()
    session.events.register("after-call", _name_denial)
    return session


@cache
def _table(name: str) -> Any:
    return _session().resource("dynamodb", config=_patient(_ANSWER_SECONDS)).Table(name)


@cache
def _client(service: str) -> Any:
    seconds = _INVOKE_SECONDS if service == "sagemaker-runtime" else _ANSWER_SECONDS
    return _session().client(service, config=_patient(seconds))


def _name_denial(parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Let every client raise NotYetAllowed instead of a bare ClientError."""
    if parsed.get("Error", {}).get("Code") in _DENIED:
        raise NotYetAllowed(parsed, model.name)


def _patient(seconds: float) -> Config:
    """Up to five tries, each given so many seconds to answer."""
    return Config(connect_timeout=5, read_timeout=seconds, retries={"mode": "standard", "max_attempts": 5})
