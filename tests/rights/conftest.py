"""An empty local cloud, and the roles of the synthesized template as identities on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain import layout
from local.cloud import ACCOUNT as LOCAL_ACCOUNT
from local.cloud import REGION, LocalCloud
from tests.local import builders
from tests.stacks.synth import ACCOUNT, PROJECT, Synthesized, synthesize

BUCKET = layout.bucket(PROJECT, LOCAL_ACCOUNT, REGION)
LEDGER = layout.ledger(PROJECT)


@dataclass(frozen=True)
class Roles:
    """Sessions that may do what roles of the template may, made when they are asked for."""

    cloud: LocalCloud
    template: Synthesized
    _sessions: dict[str, Any] = field(default_factory=dict)

    def client(self, role: str, service: str) -> Any:
        """A client of `service` with the rights of the role whose logical id begins so."""
        if role not in self._sessions:
            self._sessions[role] = builders.user(self.cloud, *self.statements(role))
        return self._sessions[role].client(service, endpoint_url=self.cloud.url)

    def statements(self, role: str) -> list[dict[str, Any]]:
        """What the template grants a role, in the local cloud's account."""
        found = [
            statement
            for policy in self.template.of_type("AWS::IAM::Policy").values()
            if policy["Roles"][0].startswith(role)
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert found, role
        moved: list[dict[str, Any]] = json.loads(json.dumps(found).replace(ACCOUNT, LOCAL_ACCOUNT))
        return moved


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("rights")) as cloud:
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        cloud.client("dynamodb").create_table(
            TableName=LEDGER,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield cloud


@pytest.fixture(scope="session")
def roles(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Roles:
    return Roles(cloud, synthesize(tmp_path_factory.mktemp("rights-synth") / "out"))


@pytest.fixture
def refused() -> Callable[..., bool]:
    """Whether a call is refused for want of a right; whatever else goes wrong is raised."""

    def ask(call: Callable[..., Any], **arguments: Any) -> bool:
        try:
            call(**arguments)
        except Exception as error:  # noqa: BLE001  # looked at, and raised again if it is another one
            return _is_denial(error)
        return False

    return ask


def _is_denial(error: Exception) -> bool:
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    # HeadObject has no body that would say more.
    if code in ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403"):
        return True
    raise error
