"""One attempt of a training job: an instance that downloads, trains, and is interrupted, stopped or done."""

from __future__ import annotations

import enum
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from local.sagemaker import channels, image, logs, processes
from local.sagemaker.checkpoints import Checkpoints
from local.sagemaker.clients import client
from local.sagemaker.container import Container
from local.sagemaker.job import Job
from local.sagemaker.options import Options

TICK_SECONDS = 0.2
INHERITED: Final = (
    "LD_LIBRARY_PATH",
    # Where this machine lets programs write, and how it reaches the hub.
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
)
"""What a job gets of the server's own environment. All else that a container has is named in `container.py`: what only
this machine's user has set would help here, and not on AWS."""
NAMESPACE = LOG_GROUP = "/aws/sagemaker/TrainingJobs"


class Outcome(enum.Enum):
    """How an attempt ended; the values are the job's secondary status where there is one."""

    EXITED = "Exited"
    INTERRUPTED = "Interrupted"
    STOPPED = "Stopped"
    MAX_RUNTIME = "MaxRuntimeExceeded"
    MAX_WAIT = "MaxWaitTimeExceeded"


class Attempt:
    """Runs the toolkit once in a fresh directory, with the job's role as identity."""

    def __init__(self, job: Job, options: Options, directory: Path, metrics: logs.MetricScan) -> None:
        self._job, self._options, self._metrics = job, options, metrics
        self.container = Container(directory, job.request)
        self.role = job.platform.role_environment(job.request["RoleArn"])
        self.s3 = client("s3", self.role)
        self._cloudwatch = client("cloudwatch", self.role)
        self._stream = logs.LogStream(self.role, LOG_GROUP, f"{job.name}/algo-1-{int(time.time())}")
        self._tail = logs.Tail(self.container.log)
        self._checkpoints: Checkpoints | None = None
        self.exit_code = 0

    def run(self) -> Outcome:
        """Download, restore, train. Raises channels.DownloadError and botocore's errors of the S3 calls."""
        self.container.prepare()
        self._job.move("Downloading")
        for channel in self._job.request.get("InputDataConfig", []):
            channels.download(
                self.s3, channel, self.container.data / channel["ChannelName"], self._job.request["RoleArn"]
            )
        config = self._job.request.get("CheckpointConfig")
        if config:
            self._checkpoints = Checkpoints(self.s3, config["S3Uri"], self.container.checkpoints)
            self._checkpoints.restore()
        self._job.move("Training")
        return self._train()

    def _train(self) -> Outcome:
        started = time.monotonic()
        process = processes.spawn(
            self._options.train,
            cwd=self.container.root,
            environment=self._environment(),
            log=self.container.log,
        )
        self._job.process = process
        synced = time.monotonic()
        outcome = Outcome.EXITED
        try:
            while process.poll() is None:
                self._job.stop.wait(TICK_SECONDS)
                self._pump()
                if self._checkpoints and time.monotonic() - synced >= self._options.sync_seconds / 2:
                    # Twice per period: a file must look the same in two looks before it is copied.
                    self._checkpoints.sync()
                    synced = time.monotonic()
                outcome = self._ended(time.monotonic() - started)
                if outcome is not Outcome.EXITED:
                    break
            if outcome in (Outcome.STOPPED, Outcome.MAX_RUNTIME, Outcome.MAX_WAIT):
                processes.terminate(process, self._options.stop_seconds)
        finally:
            processes.kill_group(process)
            self._job.process = None
        self.exit_code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        if outcome is Outcome.EXITED and self._job.spot and process.returncode == -signal.SIGKILL:
            outcome = Outcome.INTERRUPTED  # The instance was taken away from outside.
        self._pump(final=True)
        if self._checkpoints and outcome is not Outcome.INTERRUPTED:
            self._checkpoints.sync(final=True)
        return outcome

    def _ended(self, seconds: float) -> Outcome:
        job = self._job
        if job.stop.is_set():
            return Outcome.STOPPED
        if job.interrupt.is_set():
            job.interrupt.clear()
            return Outcome.INTERRUPTED
        if job.seconds + seconds > job.limit("MaxRuntimeInSeconds"):
            return Outcome.MAX_RUNTIME
        if job.spot and time.time() - job.record["CreationTime"] > job.limit("MaxWaitTimeInSeconds"):
            return Outcome.MAX_WAIT
        return Outcome.EXITED

    def _environment(self) -> dict[str, str]:
        job, inherited = self._job, (*INHERITED, *self._options.inherit)
        return {
            **{name: value for name, value in self.role.items() if name in inherited or name.startswith("AWS_")},
            **self.container.environment(),
            # The image's, after where the toolkit and its Python are.
            "PATH": f"{Path(sys.executable).parent}:{image.PATH}",
            "TRAINING_JOB_NAME": job.name,
            "TRAINING_JOB_ARN": job.record["TrainingJobArn"],
            **job.request.get("Environment", {}),
        }

    def _pump(self, *, final: bool = False) -> None:
        lines = self._tail.lines(final=final)
        if lines:
            self._stream.write(lines)
            data: list[dict[str, Any]] = self._metrics.scan(lines)
            logs.publish(self._cloudwatch, NAMESPACE, data)
