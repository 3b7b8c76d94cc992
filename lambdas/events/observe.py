"""Observe: a training job changed its state; its times become metrics, however the run goes on."""

from __future__ import annotations

from typing import Any

from domain import layout
from domain.messages import TrainingChanged
from lambdas.environment import Environment
from lambdas.telemetry import emit

_ENDED = ("Completed", "Failed", "Stopped")


def handler(event: dict[str, Any], _context: object) -> None:
    """Publish an ended job's training seconds, billed seconds and Spot savings."""
    job, env = TrainingChanged.read(event).detail.job, Environment.read()
    if layout.trained_run(env.project, job) is None:
        return
    described = env.client("sagemaker").describe_training_job(TrainingJobName=job)
    seconds = described.get("TrainingTimeInSeconds", 0)
    if described["TrainingJobStatus"] not in _ENDED or not seconds:
        return
    billed = described.get("BillableTimeInSeconds", seconds)
    savings = 100 * (1 - billed / seconds)
    emit({"TrainingSeconds": seconds, "BillableSeconds": billed, "SpotSavingsPercent": savings})
