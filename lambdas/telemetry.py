"""Structured logs and the few custom metrics, both through Powertools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit


@cache
def logger() -> Logger:
    """This function's logger; its service name comes from POWERTOOLS_SERVICE_NAME.

    Its lines are ASCII: Powertools' own are not, and what a label or a file's name has would act on who reads them.
    """
    return Logger(json_serializer=partial(json.dumps, default=str))


def emit(values: Mapping[str, float]) -> None:
    """Publish metrics as one EMF log line, with no dimension but the service: each further one would be billed."""
    metrics = EphemeralMetrics()
    for name, value in values.items():
        unit = MetricUnit.Percent if name.endswith("Percent") else MetricUnit.Count
        metrics.add_metric(name=name, unit=MetricUnit.Seconds if name.endswith("Seconds") else unit, value=value)
    metrics.flush_metrics()
