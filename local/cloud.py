"""The local cloud as one object: start it, deploy the real stacks to it, use it with any AWS tool, stop it.

    with LocalCloud(Path(".local")) as cloud:
        cloud.bootstrap()
        outputs = cloud.deploy({"training": {"base_model": "…"}})
        cloud.client("s3").put_object(…)

Everything it runs ends with it, also when the process that holds the object is killed.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.cdk import Cdk
from local.control import Control
from local.guard import kill_session, members
from local.permissions import Request
from local.surroundings import clean, free_port, private_folder, unproxied

ROOT = Path(__file__).resolve().parents[1]
ACCOUNT, REGION = "000000000000", "us-east-1"
START_SECONDS = 60.0


class LocalCloudError(Exception):
    """The local cloud did not start, or a control request was refused."""


class LocalCloud:
    """AWS on this machine, on loopback.

    `auth` enforces IAM as AWS does: on signed requests, and for the roles of Lambda functions, training jobs,
    endpoints and the state machine. `settings` are further environment variables of the server (LOCAL_SAGEMAKER_*:
    see `local/sagemaker/options.py`).
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        *,
        port: int = 0,
        auth: bool = True,
        root: Path = ROOT,
        app: Sequence[str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`root` holds node_modules and cdk.json, `app` is the CDK app's command (default: `python app.py`)."""
        self._state_dir, self._port = state_dir, port
        self._auth, self._root, self._settings = auth, root, dict(settings or {})
        self._app = list(app or (sys.executable, "app.py"))
        self._process: subprocess.Popen[bytes] | None = None
        self._key = f"LKIA{secrets.token_hex(8).upper()}"
        self._secret = secrets.token_urlsafe(30)
        self._overlay: Mapping[str, Any] | None = None
        self.port = 0
        self.directory = Path()

    def start(self, state_dir: Path | None = None, port: int = 0) -> LocalCloud:
        """Start the server with its files under `state_dir` (port 0: a free one) and wait until it answers.

        Both default to what the constructor was given; `with` starts what is not started.

        Raises:
            LocalCloudError: it did not come up, with its last output; or it is started already.
        """
        directory = state_dir or self._state_dir
        if directory is None or self._process is not None:
            raise LocalCloudError("no state directory is given" if directory is None else "it is started already")
        self.directory, self.port = directory.resolve(), port or self._port or free_port()
        temporary = self.directory / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        for directory in (self.directory, temporary, self.home, self.directory / "cdk"):
            private_folder(directory)
        self.log.touch(0o600)
        self.log.chmod(0o600)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.launcher"],
                cwd=ROOT,
                env=self._server_environment(temporary),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                raise LocalCloudError(f"the local cloud did not start:\n{words}")
            time.sleep(0.05)
        return self

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.directory / "server.log"

    @property
    def home(self) -> Path:
        """The server's own HOME: nothing it runs leaves a file there."""
        return self.directory / "tmp" / "home"

    @property
    def url(self) -> str:
        """The value for AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the server, which is also its session's. Raises LocalCloudError when it is not started."""
        if self._process is None:
            raise LocalCloudError("the local cloud is not started")
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """Variables that lead any AWS tool here, past any proxy.

        The access key is this cloud's own: tools cache accounts by key.
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self._key,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            **unproxied(os.environ),
        }

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client with this cloud's root credentials; `config` goes to botocore's Config."""
        # Neither does the environment's proxy have a say.
        return self._session().client(service, endpoint_url=self.url, config=Config(proxies={}, **config))

    def resource(self, service: str) -> Any:
        """A boto3 resource with this cloud's root credentials."""
        return self._session().resource(service, endpoint_url=self.url, config=Config(proxies={}))

    def bootstrap(self) -> None:
        """`cdk bootstrap`. Raises local.cdk.CdkError."""
        self._cdk().bootstrap(ACCOUNT, REGION)

    def deploy(self, overlay: Mapping[str, Any] | None = None) -> dict[str, str]:
        """`cdk deploy` of the app with `overlay` merged over its settings; the stacks' outputs. Raises CdkError."""
        self._overlay = overlay
        return self._cdk().deploy(overlay)

    def destroy(self) -> None:
        """`cdk destroy` with the overlay of the last deploy. Raises CdkError."""
        self._cdk().destroy(self._overlay)

    def training_job(self, name: str) -> dict[str, Any]:
        """Local only: {"name", "attempts", "pid", "status", "secondary"} of a training job."""
        return self._control("GET", f"training-jobs/{name}")

    def interrupt(self, name: str) -> dict[str, Any]:
        """Local only: take the Spot instance of a running job away."""
        return self._control("POST", f"training-jobs/{name}/interrupt")

    def server_pid(self, endpoint: str) -> int | None:
        """Local only: process id of an endpoint's model server, None when it has scaled to zero."""
        pid: int | None = self._control("GET", f"endpoints/{endpoint}")["pid"]
        return pid

    def faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Local only, with the setting LOCAL_FAULTS=1: from now on these go wrong (`local/faults.py`); [] ends it."""
        status, body = self._own.ask("PUT", "/_local/faults", json.dumps(list(rules)))
        if status != 200:
            raise LocalCloudError(f"the fault switch is off, or refused: {body.decode()}")

    def let_go(self) -> None:
        """Local only: calls that the fault switch holds are carried out."""
        self._own.ask("DELETE", "/_local/faults")

    def went_wrong(self) -> list[str]:
        """Local only: what the fault switch did since `faults` was called."""
        fired: list[str] = json.loads(self._own.ask("GET", "/_local/faults")[1])
        return fired

    def asked(self) -> list[Request]:
        """Local only, with the setting LOCAL_RECORD=1: each different thing that a role has asked to do so far."""
        status, body = self._own.ask("GET", "/_local/requests")
        if status != 200:
            raise LocalCloudError("nothing is recorded: the setting LOCAL_RECORD is not 1")
        return [Request.from_json(request) for request in json.loads(body)]

    def processes(self) -> list[int]:
        """Process ids of everything the cloud runs, the server included; [] after `stop`."""
        return members(self._process.pid) if self._process else []

    def stop(self) -> None:
        """End the server and everything it started; returns when nothing is left. Idempotent."""
        process = self._process
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # The guard does the same; here the caller waits for it.
        kill_session(process.pid)
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)

    def __enter__(self) -> LocalCloud:
        return self if self._process else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _session(self) -> boto3.session.Session:
        # Neither AWS_PROFILE nor the user's own AWS configuration has a say in where this leads.
        isolated = botocore.session.Session(
            session_vars={"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
        )
        return boto3.session.Session(self._key, self._secret, region_name=REGION, botocore_session=isolated)

    def _cdk(self) -> Cdk:
        return Cdk(self._root, self.directory / "cdk", {**clean(os.environ), **self.environment()}, self._app)

    def _server_environment(self, temporary: Path) -> dict[str, str]:
        environment = clean(os.environ)
        return {
            **environment,
            **self.environment(),
            "PATH": f"{Path(sys.executable).parent}:{environment.get('PATH', '')}",
            "GATEWAY_PORT": str(self.port),
            "AUTH": str(self._auth).lower(),
            "TMPDIR": str(temporary),
            # Not the user's: what looks for settings there would find them, and AWS has none.
            "HOME": str(self.home),
            "LOG_LEVEL": "WARNING",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
            "LOCAL_SAGEMAKER_DIRECTORY": str(temporary / "sagemaker"),
            # Objects and their versions live in files, not in the server's memory: checkpoints are many and large.
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(temporary / "s3"),
            "MALLOC_ARENA_MAX": "2",
            **self._settings,
        }

    @property
    def _own(self) -> Control:
        return Control(self.url, REGION, self._key, self._secret)

    def _healthy(self) -> bool:
        try:
            return self._own.ask("GET", "/_ministack/health")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _control(self, method: str, path: str) -> dict[str, Any]:
        status, body = self._own.ask(method, f"/_local/sagemaker/{path}")
        answer: dict[str, Any] = json.loads(body)
        if status != 200:
            raise LocalCloudError(answer["message"])
        return answer
