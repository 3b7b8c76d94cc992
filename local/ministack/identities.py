"""The keys of roles: random, made once for each role and session, and known to MiniStack as temporary credentials.

1.5.33 derives a function's key, secret and token from its ARN and its role's, which anybody can write down.
"""

from __future__ import annotations

import os
import secrets
import threading
from typing import Any

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

Keys = dict[str, str]
_made: dict[str, Keys] = {}
_making = threading.Lock()


def apply() -> None:
    """Apply the patch: functions get such keys."""
    for module in (lambda_runtime, lambda_svc):
        module.execution_credentials = of_function


def of_role(role_arn: str, session: str) -> Keys:
    """AWS_* variables with which a process acts as a role, in a session of that name.

    Without IAM enforcement (AUTH off) they are the server's own.
    """
    if not app.AUTH:
        return {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
    with _making:
        keys = _made.setdefault(arn, _random())
    sts.register_session(
        keys["AWS_ACCESS_KEY_ID"],
        {
            "Arn": arn,
            "UserId": f"{role}:{session}",
            "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": keys["AWS_SESSION_TOKEN"],
        },
    )
    return dict(keys)


def of_function(config: dict[str, Any]) -> Keys:
    """The keys of a function with this configuration (as in GetFunctionConfiguration)."""
    return of_role(str(config.get("Role", "")), str(config["FunctionName"])[:64])


def _random() -> Keys:
    return {
        "AWS_ACCESS_KEY_ID": f"ASIA{secrets.token_hex(8).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
        "AWS_SESSION_TOKEN": secrets.token_urlsafe(48),
    }
