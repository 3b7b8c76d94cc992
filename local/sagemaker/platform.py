"""What the SageMaker service needs from the cloud around it.

The service itself knows nothing about MiniStack: `local/ministack/platform.py` implements this, so that all glue
that touches the emulator's internals stays in one folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Platform(Protocol):
    """The surrounding cloud, as seen by one request or by one background thread that keeps its scope."""

    def account(self) -> str:
        """Account id of the current request (12 digits)."""
        ...

    def region(self) -> str:
        """Region of the current request."""
        ...

    def endpoint_url(self) -> str:
        """Where the local AWS answers."""
        ...

    def role_environment(self, role_arn: str) -> dict[str, str]:
        """AWS_* variables with which a subprocess acts as this role."""
        ...

    def service_environment(self) -> dict[str, str]:
        """AWS_* variables of the service itself (it may do anything)."""
        ...

    def trusts_sagemaker(self, role_arn: str) -> bool:
        """Whether the role exists and lets sagemaker.amazonaws.com assume it."""
        ...

    def emit(self, detail_type: str, detail: Mapping[str, Any], arn: str) -> None:
        """Put an `aws.sagemaker` event on the default bus."""
        ...

    def spawn(self, target: Callable[[], None], name: str) -> None:
        """Run `target` in a daemon thread that keeps the request's account and region."""
        ...
