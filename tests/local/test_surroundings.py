"""What the local cloud takes from the machine around it, and gives away: no token, no key that follows from a name,
no file for others, and nothing of loopback to a proxy."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import psutil
import pytest

from local.cdk import CdkError
from local.cloud import ACCOUNT, REGION, ROOT, LocalCloud
from local.surroundings import NAMED, clean, unproxied
from tests.local import builders
from tests.local.conftest import SETTINGS
from tests.local.test_functions import FUNCTION, ask, made
from tests.local.test_hosting import config, endpoint
from tests.local.test_training import start

pytestmark = pytest.mark.slow

TOKENS = {"HF_TOKEN": "hf_private", "GITHUB_TOKEN": "ghp_private", "SOMETHING_ELSE": "private"}
BOTO = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"


def busy(cloud: LocalCloud) -> tuple[str, str, str]:
    """A function, an endpoint and a training job at work; the function's name, a role for functions, the job's name."""
    cloud.client("s3").create_bucket(Bucket=builders.BUCKET)
    code = (builders.PROGRAMS / "train.py").read_bytes()
    builders.put(cloud, "code.tar.gz", builders.tarball({"train.py": code}))
    role = builders.role(cloud, "sagemaker", builders.allow("*"))
    endpoint(cloud, config(cloud, role, answer="x"))
    functions = builders.role(cloud, "functions", builders.allow("*"), service="lambda")
    name = made(cloud, functions, {"index.py": FUNCTION})
    ask(cloud, name, do="sleep", seconds=0)
    job = start(cloud, builders.training_job(builders.unique("busy"), role, steps=500))
    builders.eventually(lambda: cloud.training_job(job)["pid"], "it trains")
    return name, functions, job


def mode(path: Path) -> int:
    """A file's mode; 0 of one that is gone by now, since something is at work."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def cloud(tokens: None, tmp_path: Path) -> Iterator[LocalCloud]:
    settings = {**SETTINGS, "LOCAL_SAGEMAKER_IDLE_SECONDS": "300", "LOCAL_LAMBDA_IDLE_SECONDS": "300"}
    with LocalCloud(tmp_path / "cloud", settings=settings) as cloud:
        yield cloud


def test_no_token_reaches_a_process_and_no_file_is_for_others(cloud: LocalCloud) -> None:
    name, _, _ = busy(cloud)
    # The server, the function, the model server, the toolkit and its script.
    builders.eventually(lambda: len(cloud.processes()) >= 5, "all of them")
    processes = cloud.processes()
    given = {process: psutil.Process(process).environ() for process in processes}
    assert [process for process, variables in given.items() if "private" in str(variables)] == []
    server = {*given[cloud.pid]}
    ours = {*NAMED, "NO_PROXY", "no_proxy", "HOME", *SETTINGS, *cloud.environment()}
    prefixes = ("AWS_", "LOCAL_", "S3_")
    assert {variable for variable in server - ours if not variable.startswith(prefixes)} == {
        *("AUTH", "DOCKER_HOST", "GATEWAY_PORT", "IOT_MTLS_ENABLED", "LOG_LEVEL", "MALLOC_ARENA_MAX", "SFTP_ENABLED"),
    }
    assert not TOKENS.keys() & ask(cloud, name, do="environment")["variables"].keys()

    builders.put(cloud, "landing/reviews.csv", "private")
    # What a model's or a job's own archive says of its files' modes, they have; below folders that are nobody else's.
    kept = [
        path for path in cloud.directory.rglob("*") if not path.is_symlink() and (path.is_dir() or "s3" in path.parts)
    ]
    assert [str(path) for path in kept if mode(path) & 0o077] == []
    assert cloud.directory.stat().st_mode & 0o777 == 0o700
    assert (cloud.log.stat().st_mode & 0o777) == 0o600


def test_no_token_reaches_the_cdk_and_its_app(tokens: None, tmp_path: Path) -> None:
    dumped = tmp_path / "environment.json"
    app = (sys.executable, "-m", "tests.local.programs.dump_environment", str(dumped))
    with LocalCloud(tmp_path / "cloud", settings=SETTINGS, app=app) as cloud, pytest.raises(CdkError):
        cloud.deploy({})
    assert "private" not in dumped.read_text()
    assert json.loads(dumped.read_text())["AWS_ENDPOINT_URL"] == cloud.url


def test_a_folder_that_was_open_to_others_is_so_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "cloud"
    folder.mkdir(mode=0o755)
    (folder / "server.log").touch(0o644)
    with LocalCloud(folder, settings=SETTINGS) as cloud:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert cloud.log.stat().st_mode & 0o777 == 0o600


# ---- the keys of roles ------------------------------------------------------------------


def keys_of(cloud: LocalCloud) -> list[dict[str, str]]:
    """The keys that a function and a job got, whose roles and names are the same on every cloud."""
    cloud.client("s3").create_bucket(Bucket=builders.BUCKET)
    code = (builders.PROGRAMS / "train.py").read_bytes()
    builders.put(cloud, "code.tar.gz", builders.tarball({"train.py": code}))
    found = []
    role = builders.role(cloud, "functions", builders.allow("*"), service="lambda")
    name = made(cloud, role, {"index.py": FUNCTION}, name="the-function")
    found.append(ask(cloud, name, do="environment")["variables"])
    role = builders.role(cloud, "sagemaker", builders.allow("*"))
    record = builders.ended(cloud, start(cloud, builders.training_job("the-job", role, steps=1)))
    archive = record["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{builders.BUCKET}/")
    found.append(json.loads(builders.members(builders.get(cloud, archive))["model.json"])["environment"])
    return [{name: given[name] for name in given if name in KEYS} for given in found]


KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def test_a_roles_keys_follow_from_nothing(tmp_path: Path) -> None:
    """Whoever knew the ARN knew the key, its secret and its token: they were hashes of it."""
    made_of: list[list[dict[str, str]]] = []
    for number in range(2):
        with LocalCloud(tmp_path / str(number), settings=SETTINGS) as cloud:
            made_of.append(keys_of(cloud))
            root = cloud.environment()
        assert root["AWS_SECRET_ACCESS_KEY"] != hashlib.sha256(root["AWS_ACCESS_KEY_ID"].encode()).hexdigest()
    values = [value for found in made_of for keys in found for value in keys.values()]
    assert len(values) == len(set(values)) == 2 * 2 * len(KEYS)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:the-function:arn:aws:iam::{ACCOUNT}:role/functions"
    for seed in (arn, f"sagemaker:arn:aws:iam::{ACCOUNT}:role/sagemaker"):
        assert f"ASIA{hashlib.sha256(seed.encode()).hexdigest()[:16].upper()}" not in values


# ---- proxies ------------------------------------------------------------------------------


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A proxy that every tool of this environment is told to use; what it was asked for."""
    seen: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            seen.append(self.rfile.readline().decode("latin-1"))
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            for spelling in (name, name.lower()):
                monkeypatch.setenv(spelling, f"http://127.0.0.1:{server.server_address[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield seen
        server.shutdown()


def test_loopback_never_goes_through_a_proxy(proxy: list[str], tmp_path: Path) -> None:
    settings = {**SETTINGS, "LOCAL_SAGEMAKER_IDLE_SECONDS": "300"}
    with LocalCloud(tmp_path, settings=settings) as cloud:
        _, role, job = busy(cloud)
        assert ":assumed-role/functions/" in ask(cloud, made(cloud, role, {"index.py": BOTO}))
        assert list(cloud.resource("s3").buckets.all())
        builders.eventually(
            lambda: cloud.client("s3").list_objects_v2(Bucket=builders.BUCKET, Prefix=f"checkpoints/{job}/")[
                "KeyCount"
            ],
            "a checkpoint",
        )
        cloud.bootstrap()
        # A person's own tools, by what `mlops local` prints; and `mlops` itself, even without the line about proxies.
        aws = {name: value for name, value in cloud.environment().items() if name.startswith("AWS_")}
        program = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'])"
        told = run([sys.executable, "-c", program], cloud.environment())
        assert builders.BUCKET in told.stdout, told.stderr
        said = run([sys.executable, "-m", "ops", "held", "--project", "none"], aws)
        assert "No pipeline named 'none'" in said.stderr
    assert proxy == []


def run(line: list[str], given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(line, cwd=ROOT, env={**kept, **given}, capture_output=True, text=True, check=False)


def test_the_users_own_exceptions_stay() -> None:
    assert unproxied({"NO_PROXY": "internal.example, 10.0.0.0/8"})["no_proxy"] == (
        "internal.example,10.0.0.0/8,127.0.0.1,localhost"
    )
    assert unproxied({"no_proxy": "localhost"})["NO_PROXY"] == "localhost,127.0.0.1"
    assert clean({"NO_PROXY": "x", "HTTP_PROXY": "p", "HF_TOKEN": "t"})["NO_PROXY"] == "x,127.0.0.1,localhost"
