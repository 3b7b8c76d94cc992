"""An empty local cloud, and the roles of the synthesized template as identities on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ledger.ledger import Ledger
from local.cloud import ACCOUNT as LOCAL_ACCOUNT
from local.cloud import LocalCloud
from tests.local import builders
from tests.rights.people import LEDGER, found
from tests.rights.story import OVERLAY
from tests.stacks.synth import ACCOUNT, Synthesized, synthesize


@dataclass(frozen=True)
class Roles:
    """Sessions that may do what roles of the template may, made when they are asked for."""

    cloud: LocalCloud
    template: Synthesized
    _made: dict[str, Any] = field(default_factory=dict)

    def client(self, role: str, service: str) -> Any:
        """A client of `service` with the rights of the role whose logical id begins so."""
        name = f"{role}/{service}"
        if name not in self._made:
            self._made[name] = self._session(role).client(service, endpoint_url=self.cloud.url)
        return self._made[name]

    def ledger(self, role: str) -> Ledger:
        """The ledger, with the rights of a role."""
        return Ledger(self._session(role).resource("dynamodb", endpoint_url=self.cloud.url).Table(LEDGER))

    def statements(self, role: str) -> list[dict[str, Any]]:
        """What the template grants the role whose logical id begins so, in the local cloud's account."""
        found = [one for name, some in self.all_statements().items() if name.startswith(role) for one in some]
        assert found or role.startswith("Functions"), role
        return found

    def all_statements(self) -> dict[str, list[dict[str, Any]]]:
        """Role → what the template grants it, in the local cloud's account."""
        if "" not in self._made:
            found: dict[str, list[dict[str, Any]]] = {}
            for policy in self.template.of_type("AWS::IAM::Policy").values():
                moved = json.loads(json.dumps(policy["PolicyDocument"]["Statement"]).replace(ACCOUNT, LOCAL_ACCOUNT))
                for role in policy["Roles"]:
                    found.setdefault(role, []).extend(moved)
            self._made[""] = found
        every: dict[str, list[dict[str, Any]]] = self._made[""]
        return every

    def _session(self, role: str) -> Any:
        if role not in self._made:
            self._made[role] = builders.user(self.cloud, *self.statements(role))
        return self._made[role]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("rights")) as cloud:
        found(cloud)
        yield cloud


@pytest.fixture(scope="session")
def roles(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Roles:
    template = synthesize(tmp_path_factory.mktemp("rights-synth") / "out", overlay=OVERLAY, local="true")
    return Roles(cloud, template)


@pytest.fixture
def refused() -> Callable[..., bool]:
    """Whether a call is refused for want of a right; whatever else goes wrong is raised."""

    def ask(call: Callable[..., Any], *values: Any, **arguments: Any) -> bool:
        try:
            call(*values, **arguments)
        except ClientError as error:
            # HeadObject has no body that would say more.
            if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403"):
                return True
            raise
        return False

    return ask
