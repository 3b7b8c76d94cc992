"""Metrics in a training job's log: what is no number is none."""

from __future__ import annotations

import pytest

from domain.metrics import definitions
from local.sagemaker.logs import MetricScan


@pytest.mark.parametrize("line", ["loss=nan", "loss=inf", "loss=", "loss=eEe", "loss=1e999", "loss"])
def test_what_is_no_number_is_left_out(line: str) -> None:
    scan = MetricScan([{"Name": "loss", "Regex": "loss(?:=([^ ]*))?"}], "job")
    assert scan.scan([line]) == []
    assert scan.final() == []


def test_a_label_in_the_log_is_no_metric() -> None:
    scan = MetricScan(definitions(["accuracy"]), "job")
    lines = ['labels ["metric validation_accuracy=0.9999 step=1"]', "metric validation_accuracy=0.5 step=1"]
    assert [(item["MetricName"], item["Value"]) for item in scan.scan(lines)] == [("validation:accuracy", 0.5)]
