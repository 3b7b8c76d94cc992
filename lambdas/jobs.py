"""A run's training jobs: one that finished is used again, one that a dead execution left running is stopped."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from domain import layout
from lambdas.environment import Environment
from lambdas.telemetry import logger


class JobStillStopping(Exception):
    """An earlier job of this run has not ended yet; two must not write the same checkpoints. Try again later."""


def finished(env: Environment, run: str) -> tuple[str, str] | None:
    """(name, S3 URI of the artifact) of the newest completed job of this run. Raises JobStillStopping."""
    if stop_jobs(env, run):
        raise JobStillStopping(f"a training job of run {run} is being stopped")
    jobs = _jobs(env, run, "Completed")
    if not jobs:
        return None
    described = env.client("sagemaker").describe_training_job(TrainingJobName=jobs[0])
    return jobs[0], str(described["ModelArtifacts"]["S3ModelArtifacts"])


def stop_jobs(env: Environment, run: str) -> bool:
    """Stop all training jobs of a run (of all runs for run ""); whether there were any to stop or to wait for."""
    running = _jobs(env, run, "InProgress")
    for job in running:
        stop(env, job)
    return bool(running or _jobs(env, run, "Stopping"))


def stop(env: Environment, job: str) -> None:
    """Stop a training job, unless it has ended since it was listed."""
    try:
        env.client("sagemaker").stop_training_job(TrainingJobName=job)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        logger().info("Not stopped", extra={"job": job, "why": str(error)})


def _jobs(env: Environment, run: str, status: str) -> list[str]:
    prefix = f"{env.project}-{run}-" if run else f"{env.project}-"
    pages: Any = env.client("sagemaker").get_paginator("list_training_jobs")
    found = pages.paginate(NameContains=prefix, StatusEquals=status, SortBy="CreationTime", SortOrder="Descending")
    names = [job["TrainingJobName"] for page in found for job in page["TrainingJobSummaries"]]
    return [name for name in names if layout.is_training_job(env.project, name)]
