"""MiniStack as the SageMaker service's surroundings: identity, roles, events."""

from __future__ import annotations

import contextvars
import json
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, iam

from local.ministack import identities

logger = logging.getLogger(__name__)
SERVICE = "sagemaker.amazonaws.com"


class MiniStackPlatform:
    """Implements `local.sagemaker.platform.Platform`. Events go out from one thread, in order."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._events: queue.Queue[tuple[contextvars.Context, dict[str, Any]]] = queue.Queue()
        # A target of an event may call back into the service, so no caller waits for the delivery.
        threading.Thread(target=self._deliver, name="sagemaker-events", daemon=True).start()

    def account(self) -> str:
        """Account id of the current request."""
        return str(get_account_id())

    def region(self) -> str:
        """Region of the current request."""
        return str(get_region())

    def endpoint_url(self) -> str:
        """Where the local AWS answers."""
        return self._url

    def role_environment(self, role_arn: str) -> dict[str, str]:
        """The environment of a subprocess that acts as the role; under AUTH its policies are enforced."""
        return {**self.service_environment(), **identities.of_role(role_arn, "SageMaker")}

    def service_environment(self) -> dict[str, str]:
        """The server's own environment and credentials, which are root in the local cloud."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self._url,
            "AWS_REGION": self.region(),
            "AWS_DEFAULT_REGION": self.region(),
        }

    def trusts_sagemaker(self, role_arn: str) -> bool:
        """Whether the role exists and its trust policy names SageMaker."""
        role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
        if role is None:
            return False
        document = role["AssumeRolePolicyDocument"]
        statements = (json.loads(document) if isinstance(document, str) else document)["Statement"]
        return any(
            statement["Effect"] == "Allow" and _names(statement.get("Principal"), SERVICE)
            for statement in (statements if isinstance(statements, list) else [statements])
        )

    def emit(self, detail_type: str, detail: Mapping[str, Any], arn: str) -> None:
        """Put an `aws.sagemaker` event on the default bus, soon."""
        entry = {"Source": "aws.sagemaker", "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": [arn]}
        self._events.put((contextvars.copy_context(), {"Entries": [entry]}))

    def spawn(self, target: Callable[[], None], name: str) -> None:
        """Run `target` in a daemon thread with this request's account and region."""
        threading.Thread(target=contextvars.copy_context().run, args=(target,), name=name, daemon=True).start()

    def _deliver(self) -> None:
        while True:
            context, entries = self._events.get()
            status, _, body = context.run(eventbridge._put_events, entries, True)
            if status >= 400:
                logger.error("event refused: %s", body)


class DeniedError(Exception):
    """A role's policies do not allow an action; `message` is worded as IAM words it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def role_allows(role_arn: str, action: str, resource: str, context: Mapping[str, str] | None = None) -> None:
    """Check an action that a service performs with a role (no signed request to check). Raises DeniedError.

    `context` holds condition keys, lower case. Everything is allowed when AUTH is off.
    """
    if not app.AUTH:
        return
    account, role = str(get_account_id()), role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{role}/local"
    request = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=str(get_region()),
        service_context=dict(context or {}),
    )
    result = iam_evaluator.evaluate(request, iam_evaluator._gather_role_policies(role, account))
    if result.decision != "Allow":
        raise DeniedError(
            f"User: {principal} is not authorized to perform: {action} on resource: {resource} because "
            f"no identity-based policy allows the {action} action"
        )


def _names(principal: Any, service: str) -> bool:
    listed = principal.get("Service", []) if isinstance(principal, dict) else []
    return service in ([listed] if isinstance(listed, str) else listed)
