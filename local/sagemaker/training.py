"""Training jobs: the API, and the life of a job from Starting to its end, Spot interruptions included."""

from __future__ import annotations

import re
import shutil
import time
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import rules
from local.sagemaker.attempt import Attempt, Outcome
from local.sagemaker.channels import DownloadError
from local.sagemaker.clients import TRANSFER, split_uri
from local.sagemaker.container import OPT_ML, pack
from local.sagemaker.errors import ApiError, invalid
from local.sagemaker.job import Job, new_record
from local.sagemaker.logs import MetricScan
from local.sagemaker.options import Options
from local.sagemaker.platform import Platform
from local.sagemaker.records import Table, Tags, arn, check_role, page

SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)


class Training:
    """CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob."""

    def __init__(self, platform: Platform, options: Options, tags: Tags) -> None:
        self._platform, self._options, self._tags = platform, options, tags
        self.jobs: Table[Job] = Table(platform)
        self.operations = {
            "CreateTrainingJob": self.create,
            "DescribeTrainingJob": self.describe,
            "ListTrainingJobs": self.list,
            "StopTrainingJob": self.stop,
        }

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateTrainingJob: validated, then run in a thread."""
        rules.training_job(request)
        _check_locally(request)
        check_role(self._platform, request["RoleArn"])
        name = request["TrainingJobName"]
        resource = arn(self._platform, "training-job", name)
        job = Job(self._platform, request, new_record(request, resource))
        if not self.jobs.add(name, job):
            raise ApiError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, "
                f"and a training job with this name already exists ({resource})",
            )
        self._tags.put(resource, request.get("Tags", []))
        self._platform.spawn(lambda: _live(job, self._options), f"training-{name}")
        return {"TrainingJobArn": resource}

    def find(self, name: str) -> Job:
        """The job of that name. Raises ApiError(ValidationException)."""
        job = self.jobs.get(name)
        if job is None:
            raise invalid("Requested resource not found.")
        return job

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeTrainingJob."""
        return self.find(request["TrainingJobName"]).describe()

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListTrainingJobs."""
        records = [job.describe() for job in self.jobs.values()]
        if "StatusEquals" in request:
            records = [item for item in records if item["TrainingJobStatus"] == request["StatusEquals"]]
        summaries = [{key: item[key] for key in SUMMARY if key in item} for item in records]
        return page(summaries, request, "TrainingJobSummaries", name="TrainingJobName")

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """StopTrainingJob."""
        self.find(request["TrainingJobName"]).request_stop()
        return {}


def _check_locally(request: dict[str, Any]) -> None:
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions", []):
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise invalid(f"Invalid regex in metric definition {definition['Name']}: {error}") from error
    path = request.get("CheckpointConfig", {}).get("LocalPath", OPT_ML)
    if not path.startswith(OPT_ML) or ".." in path:
        raise invalid(f"The local cloud keeps checkpoints under {OPT_ML}, not {path}.")


def _live(job: Job, options: Options) -> None:
    """The job's thread: attempts until one is not interrupted, then the upload and the final status."""
    metrics = MetricScan(job.request["AlgorithmSpecification"].get("MetricDefinitions", []), job.name)
    root = options.directory / "jobs" / job.name
    ended = {"status": "Failed", "FailureReason": "InternalServerError: the local cloud's own thread died"}
    try:
        ended = _attempts(job, options, metrics)
    except DownloadError as error:
        ended = {"status": "Failed", "FailureReason": str(error)}
    except (ClientError, BotoCoreError, S3UploadFailedError) as error:
        ended = {"status": "Failed", "FailureReason": f"ClientError: {error}"}
    finally:
        status = str(ended.pop("status"))
        secondary = str(ended.pop("secondary", status))
        job.move(secondary, status, FinalMetricDataList=metrics.final(), **ended)
        job.over.set()
        shutil.rmtree(root, ignore_errors=True)


def _attempts(job: Job, options: Options, metrics: MetricScan) -> dict[str, Any]:
    while True:
        job.attempts += 1
        started = time.monotonic()
        attempt = Attempt(job, options, options.directory / "jobs" / job.name / str(job.attempts), metrics)
        try:
            outcome = attempt.run()
            if outcome is not Outcome.INTERRUPTED:
                return _conclude(job, attempt, outcome)
        finally:
            job.bill(time.monotonic() - started)
            shutil.rmtree(attempt.container.root, ignore_errors=True)
        job.move("Interrupted")
        if job.stop.wait(options.restart_seconds):
            return {"status": "Stopped"}
        if time.time() - job.record["CreationTime"] > job.limit("MaxWaitTimeInSeconds"):
            return {"status": "Stopped", "secondary": "MaxWaitTimeExceeded"}
        job.move("Starting")


def _conclude(job: Job, attempt: Attempt, outcome: Outcome) -> dict[str, Any]:
    """Upload what there is (AWS does so after a stop and a failure too) and word the final status."""
    failed = outcome is Outcome.EXITED and attempt.exit_code != 0
    if not failed:
        job.move("Uploading")
    bucket, prefix = split_uri(job.request["OutputDataConfig"]["S3OutputPath"])
    target = "/".join(part for part in (prefix.strip("/"), job.name, "output") if part)
    for name, directory in (
        ("model", attempt.container.model),
        ("output", attempt.container.output / "data"),
    ):
        tarball = attempt.container.root / f"{name}.tar.gz"
        if not (failed and name == "model") and pack(directory, tarball):
            attempt.s3.upload_file(str(tarball), bucket, f"{target}/{name}.tar.gz", Config=TRANSFER)
    if failed:
        return {"status": "Failed", "FailureReason": attempt.container.failure_reason(attempt.exit_code)}
    artifacts = {"S3ModelArtifacts": f"s3://{bucket}/{target}/model.tar.gz"}
    if outcome is Outcome.EXITED:
        return {"status": "Completed", "ModelArtifacts": artifacts}
    return {"status": "Stopped", "secondary": outcome.value, "ModelArtifacts": artifacts}
