"""What all tests share: the same examples on every run, and no way to a real AWS account."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests import no_aws

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=60, print_blob=False, database=None
)
settings.register_profile("quick", settings.get_profile("repeatable"), max_examples=10)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--accept-aws", action="store_true", help="for `python -m tests.acceptance` alone, which asks first"
    )
    parser.addoption("--task", default="text", help="of the end-to-end tests: the task of the deployed project")


def pytest_configure(config: pytest.Config) -> None:
    # Before anything is collected: what a test module does at import counts too.
    if not config.getoption("--accept-aws"):
        no_aws.hide()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    # -q hides the header in which pytest-randomly says it.
    terminalreporter.line(f"In the order of --randomly-seed={config.getoption('randomly_seed')}")


# Before xdist reads the groups: a conftest with options is registered earlier than xdist, and would be called after it.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A story is told in its order; and with several workers, each folder of tests stays on one: its cloud, its synth
    or its model is made once. The end-to-end tests mostly wait, so each of their files takes a worker and a cloud.
    """
    chapters = [index for index, item in enumerate(items) if item.get_closest_marker("chapters")]
    told = sorted((items[index] for index in chapters), key=lambda item: (str(item.path), item.location[1] or 0))
    for index, item in zip(chapters, told, strict=True):
        items[index] = item
    for item in items:
        path = Path(item.path)
        item.add_marker(pytest.mark.xdist_group(path.stem if path.parent.name == "e2e" else path.parent.name))
