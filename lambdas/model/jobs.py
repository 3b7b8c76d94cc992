"""A run's training jobs: one that finished is used again, one that a dead execution left running is stopped."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from domain import layout
from domain.errors import JobStillStopping
from lambdas.environment import Environment
from lambdas.storage import exists
from lambdas.telemetry import logger


def finished(env: Environment, run: str) -> tuple[str, str] | None:
    """(name, S3 URI of the artifact) of the newest completed job of this run whose artifact is still there.

    Raises JobStillStopping.
    """
    if stop_jobs(env, run):
        raise JobStillStopping(f"a training job of run {run} is being stopped")
    for job in _jobs(env, run, "Completed"):
        described = env.client("sagemaker").describe_training_job(TrainingJobName=job)
        artifact = str(described["ModelArtifacts"]["S3ModelArtifacts"])
        if exists(env, artifact):
            return job, artifact
    return None


def next_job(env: Environment, run: str, attempt: int) -> str:
    """A name for the run's next job. A name is taken for ever, even where the ledger was lost that counted it."""
    taken = set(_jobs(env, run))
    while (name := layout.training_job(env.project, run, attempt)) in taken:
        attempt += 1
    return name


def stop_jobs(env: Environment, run: str | None) -> bool:
    """Stop all training jobs of a run (None: of all runs); whether there were any to stop or to wait for."""
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


def _jobs(env: Environment, run: str | None, status: str | None = None) -> list[str]:
    prefix = f"{env.project}-{run}-" if run else f"{env.project}-"
    wanted = {"StatusEquals": status} if status else {}
    pages: Any = env.client("sagemaker").get_paginator("list_training_jobs")
    found = pages.paginate(NameContains=prefix, SortBy="CreationTime", SortOrder="Descending", **wanted)
    names = [job["TrainingJobName"] for page in found for job in page["TrainingJobSummaries"]]
    return [name for name in names if layout.trained_run(env.project, name)]
