"""What all tests share: the same examples on every run, and no way to a real AWS account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=60, print_blob=False, database=None
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def no_real_account() -> Iterator[None]:
    """Hide the credentials of whoever runs the tests: a client that was not led elsewhere must fail, not act."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "none")
        patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers, each folder of tests stays on one: its cloud, its synth or its model is made once.

    The end-to-end tests mostly wait, so each of their files takes a worker and a cloud of its own.
    """
    for item in items:
        path = Path(item.path)
        item.add_marker(pytest.mark.xdist_group(path.stem if path.parent.name == "e2e" else path.parent.name))
