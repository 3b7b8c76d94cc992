"""No way to a real AWS account: not for a test, nor for a program that it starts.

The environment holds no credentials and leads every AWS tool to a port where nobody listens; in this process, botocore
sends nothing to another machine, whoever asks it to.
"""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import urlparse

from botocore.httpsession import URLLib3Session

NOWHERE: Final = "http://127.0.0.1:9"
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": NOWHERE,
}
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class ReachedForAwsError(Exception):
    """A test was about to ask another machine for AWS."""


def hide() -> None:
    """Take AWS out of this process: its environment, which its children inherit, and botocore's network."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "ACCEPT_", "CDK_DEFAULT_"))]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)
    send = URLLib3Session.send

    def loopback_only(self: URLLib3Session, request: Any) -> Any:
        host = urlparse(request.url).hostname
        if host not in _LOOPBACK:
            raise ReachedForAwsError(f"a test asked {host}; `make acceptance` is the way to an account")
        return send(self, request)

    URLLib3Session.send = loopback_only
