"""Each stack that several tests look at is synthesized once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stacks.synth import Synthesized, synthesize

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture(scope="session", autouse=True)
def no_account() -> Iterator[None]:
    """A synth must need neither an account nor a region from whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION", "AWS_REGION", "CDK_CONTEXT_JSON", "CDK_OUTDIR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """What `cdk deploy` sends to AWS."""
    return synthesize(tmp_path_factory.mktemp("aws") / "out")


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """What `cdk deploy -c local=true` sends to the local cloud, packages included: they hold no wheels."""
    return synthesize(tmp_path_factory.mktemp("local") / "out", bundled=True, local="true")


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """What `cdk deploy` sends to AWS, packages included."""
    return synthesize(tmp_path_factory.mktemp("bundled") / "out", bundled=True)


@pytest.fixture(scope="session")
def on_demand(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Spot with a fallback to on demand, base weights in S3, more than one instance, and another endpoint."""
    training = {"on_demand_max_usd_per_hour": 2.0, "base_model": "s3://weights/mini/", "instance_count": 2}
    return synthesize(
        tmp_path_factory.mktemp("on-demand") / "out", overlay={"training": training, "serving": {"memory_mb": 3072}}
    )


def check_snapshot(name: str, text: str) -> None:
    """Compare with what a person reviewed; UPDATE_SNAPSHOTS=1 writes it anew, for the next review."""
    path = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} changed: review it, then run with UPDATE_SNAPSHOTS=1"
