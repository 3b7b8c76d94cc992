"""The deployed project that the story is played on: the local cloud's, unless `make acceptance` says AWS."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from domain import layout
from local.cloud import ACCOUNT, REGION, LocalCloud
from stacks.cdk_json import merge
from tasks.settings import of_project
from tests.acceptance.overlay import on_aws
from tests.acceptance.record import Notebook
from tests.acceptance.target import AwsAccount, Target, leave_nothing
from tests.e2e.conftest import OVERLAY
from tests.e2e.driver import DEADLINE_SECONDS, Pipeline, listen
from tests.tiny_base import tiny_base


@pytest.fixture(scope="session")
def notebook(request: pytest.FixtureRequest) -> Notebook:
    """Where a run writes down what it saw; `python -m tests.acceptance` makes a record of it."""
    plugin: Notebook | None = request.config.pluginmanager.get_plugin("notebook")
    return plugin or Notebook()


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    directory = tmp_path_factory.mktemp("acceptance")
    if request.config.getoption("--accept-aws"):
        yield _aws(directory)
        return
    project = f"accept-{secrets.token_hex(3)}"
    base = f"s3://{layout.bucket(project, ACCOUNT, REGION)}/{layout.BASE}tiny/"
    overlay = merge(OVERLAY, {"project": project, "training": {"base_model": base}})
    with LocalCloud(directory, settings={"OMP_NUM_THREADS": "1"}) as cloud:
        cloud.bootstrap()
        yield Target(
            "local", cloud, ACCOUNT, REGION, of_project(overlay).model_validate(overlay),
            lambda: _unit(cloud.deploy(overlay)), cloud.destroy, DEADLINE_SECONDS,
        )  # fmt: skip


@pytest.fixture(scope="session")
def pipeline(target: Target, notebook: Notebook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The deployed project with a tiny base model in its bucket. Nothing of it is left at the end, come what may."""
    queues: list[str] = []
    with ExitStack() as end:
        # Before it is made: what half a deploy made goes too.
        end.callback(leave_nothing, target, queues)
        started = time.monotonic()
        target.deploy()
        notebook.facts["deploy"] = f"{time.monotonic() - started:.0f} s"
        for file in tiny_base(tmp_path_factory.mktemp("base")).iterdir():
            target.cloud.client("s3").upload_file(str(file), target.bucket, f"{layout.BASE}tiny/{file.name}")
        queues.append(listen(target.cloud, target.settings.project, f"{target.settings.project}-ears"))
        time.sleep(target.settle_seconds)
        yield Pipeline(
            target.cloud, target.settings, target.bucket, queues[0], target.account, target.region, target.deadline
        )


def _aws(directory: Path) -> Target:
    """The account that `python -m tests.acceptance` asked about."""
    account, region = os.environ["ACCEPT_ACCOUNT"], os.environ["AWS_REGION"]
    overlay = on_aws(account, region)
    cloud, settings = AwsAccount(region, directory), of_project(overlay).model_validate(overlay)
    longest = settings.training.max_wait_seconds + 3600
    return Target(
        "aws", cloud, account, region, settings, lambda: cloud.deploy(overlay), lambda: cloud.destroy(overlay),
        longest, settle_seconds=300,
    )  # fmt: skip


def _unit(_: Any) -> None:
    """Nothing: what a deploy returns is not asked for."""
