"""The cloud starts on a free port, refuses another MiniStack, and never leaves a process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.cloud import ROOT, LocalCloud
from local.guard import members
from local.ministack import hooks
from tests.local import builders
from tests.local.conftest import SETTINGS
from tests.local.test_hosting import config, endpoint

pytestmark = pytest.mark.slow


def busy(state_dir: Path) -> LocalCloud:
    """A cloud with a training job, an endpoint and therefore several processes."""
    cloud = LocalCloud(state_dir, settings={**SETTINGS, "LOCAL_SAGEMAKER_IDLE_SECONDS": "300"}).start()
    cloud.client("s3").create_bucket(Bucket=builders.BUCKET)
    code = (builders.PROGRAMS / "train.py").read_bytes()
    builders.put(cloud, "code.tar.gz", builders.tarball({"train.py": code}))
    role = builders.role(cloud, "sagemaker", builders.allow("*"))
    endpoint(cloud, config(cloud, role, answer="x"))
    name = builders.unique("busy")
    cloud.client("sagemaker").create_training_job(**builders.training_job(name, role, steps=500))
    builders.eventually(
        lambda: (
            cloud.client("s3").list_objects_v2(Bucket=builders.BUCKET, Prefix=f"checkpoints/{name}/").get("KeyCount")
        ),
        "training runs",
    )
    # The server, the model server, the toolkit and the script that it runs.
    assert len(cloud.processes()) >= 4
    return cloud


def test_nothing_is_left_after_stop(tmp_path: Path) -> None:
    cloud = busy(tmp_path)
    cloud.stop()
    assert cloud.processes() == []
    assert not (tmp_path / "tmp").exists()
    cloud.stop()


def test_nothing_is_left_after_the_server_is_killed(tmp_path: Path) -> None:
    cloud = busy(tmp_path)
    session = cloud.pid
    os.kill(session, signal.SIGKILL)
    builders.eventually(lambda: not members(session), "everything is gone without anyone's help")
    cloud.stop()


def test_nothing_is_left_after_the_owner_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from local.cloud import LocalCloud\n"
        "cloud = LocalCloud(Path(sys.argv[1])).start(); print(cloud.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    owner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    session = int(owner.stdout.readline())
    assert members(session)
    owner.kill()
    owner.communicate()
    builders.eventually(lambda: not members(session), "the server ended with its owner")


def test_every_hook_exists() -> None:
    hooks.check()


def test_another_ministack_is_refused_by_name() -> None:
    with pytest.raises(hooks.IncompatibleMiniStackError, match=r"ministack==1\.5\.33.*ministack\.app\.gone"):
        hooks.check({**hooks.NAMES, "ministack.app": ("AUTH", "gone")})
    with pytest.raises(
        hooks.IncompatibleMiniStackError, match=r"it lacks ministack\.core\.lambda_runtime\.Worker\.gone"
    ):
        hooks.check({"ministack.core.lambda_runtime": ("Worker._spawn", "Worker.gone")})
    with pytest.raises(hooks.IncompatibleMiniStackError, match=r"ministack==9\.9"):
        hooks.check(version="9.9")


def test_real_aws_credentials_never_reach_the_cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    with LocalCloud(tmp_path) as cloud:
        assert "production" not in psutil.Process(cloud.pid).environ().values()
        assert cloud.environment()["AWS_ENDPOINT_URL"] == cloud.url
        assert cloud.client("sts").get_caller_identity()["Account"] == "000000000000"
