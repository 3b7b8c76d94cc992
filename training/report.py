"""Metrics of a job, printed so that SageMaker reads them from its log."""

from __future__ import annotations

from domain import metrics


def report(key: str, value: float, step: int) -> None:
    """Print one metric (a key of `domain/metrics.py`) at a step."""
    print(metrics.line(key, value, step), flush=True)
