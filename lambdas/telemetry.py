"""Structured logs and the few custom metrics, both through Powertools."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit


@cache
def logger() -> Logger:
    """This function's logger; its service name comes from POWERTOOLS_SERVICE_NAME.

    Its lines are ASCII: Powertools' own are not, and what a label or a file's name has would act on who reads them.
    """
    return Logger(json_serializer=partial(json.dumps, default=str))


def trace(error: BaseException) -> list[str]:
    """Where an error came from, outermost first, and its class at the end.

    Without its words and those of its causes: an error of a library may quote the row that it fails on, and what is
    logged or mailed has no text of users.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return [*(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames), type(error).__name__]


def emit(values: Mapping[str, float]) -> None:
    """Publish metrics as one EMF log line, with no dimension but the service: each further one would be billed."""
    metrics = EphemeralMetrics()
    for name, value in values.items():
        unit = MetricUnit.Percent if name.endswith("Percent") else MetricUnit.Count
        metrics.add_metric(name=name, unit=MetricUnit.Seconds if name.endswith("Seconds") else unit, value=value)
    metrics.flush_metrics()
