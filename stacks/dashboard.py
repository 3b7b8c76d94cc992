"""One dashboard: every run from drop to live, in the words of the pipeline. Each construct is asked for its metrics."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain.measures import BY_KEY, Unit, by_unit
from domain.metrics import evaluated
from stacks.endpoint import ServerlessEndpoint
from stacks.functions import Functions
from stacks.training import Training

_HOUR: Final = Duration.hours(1)
_WIDTH: Final = 8
_ON_VALIDATION: Final[dict[Unit, str]] = {
    "fraction": "Train: on validation rows",
    "target": "Train: errors on validation rows",
}


class Dashboard(Construct):
    """Runs, training, candidate against champion, savings, and the endpoint; `measures` are the keys of the task's."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
        measures: Sequence[str],
        machine: sfn.IStateMachine,
        functions: Functions,
        training: Training,
        endpoint: ServerlessEndpoint,
    ) -> None:
        super().__init__(scope, construct_id)
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=project,
            default_interval=Duration.days(7),
            widgets=[
                _runs(machine, functions),
                _training(training, functions, measures),
                _judgement(functions, measures),
                _endpoint(endpoint),
            ],
        )


def _runs(machine: sfn.IStateMachine, functions: Functions) -> list[cloudwatch.IWidget]:
    return [
        _graph(
            "Runs",
            machine.metric_succeeded(period=_HOUR, label="Succeeded"),
            machine.metric_failed(period=_HOUR, label="Failed"),
            machine.metric_aborted(period=_HOUR, label="Aborted"),
            machine.metric_timed_out(period=_HOUR, label="Timed out"),
        ),
        _graph("Duration of a run (ms)", machine.metric_time(period=_HOUR, statistic="Maximum", label="Longest")),
        _graph("Rows", *(functions.metric(name, statistic="Sum") for name in ("RowsAccepted", "RowsRejected"))),
    ]


def _training(training: Training, functions: Functions, measures: Sequence[str]) -> list[cloudwatch.IWidget]:
    units = by_unit(BY_KEY[key] for key in measures).items()
    return [
        _graph("Train: loss", *map(training.metric, ("train_loss", "validation_loss"))),
        *(
            _graph(_ON_VALIDATION[unit], *(training.metric(f"validation_{measure.key}") for measure in found))
            for unit, found in units
        ),
        cloudwatch.GraphWidget(
            title="Train: seconds and Spot savings (%)",
            left=[functions.metric(name, statistic="Sum") for name in ("TrainingSeconds", "BillableSeconds")],
            right=[functions.metric("SpotSavingsPercent", statistic="Average")],
            width=_WIDTH,
        ),
    ]


def _judgement(functions: Functions, measures: Sequence[str]) -> list[cloudwatch.IWidget]:
    compared = [
        (f"Evaluate: {_ascii(BY_KEY[key].name)}", "Average", [evaluated(who, key) for who in ("Candidate", "Champion")])
        for key in measures
    ]
    return [
        _graph(title, *(functions.metric(name, statistic=statistic) for name in names))
        for title, statistic, names in (*compared, ("Promote or Reject", "Sum", ["Promoted", "Rejected"]))
    ]


def _endpoint(endpoint: ServerlessEndpoint) -> list[cloudwatch.IWidget]:
    return [
        _graph(
            "Endpoint: answers and errors",
            endpoint.metric_invocations(),
            endpoint.metric_4xx_errors(),
            endpoint.metric_5xx_errors(),
        ),
        _graph(
            "Endpoint: latency (us)",
            endpoint.metric_model_latency(statistic="p50"),
            endpoint.metric_model_latency(statistic="p99"),
            endpoint.metric_overhead_latency(statistic="p99"),
        ),
        _graph("Endpoint: cold start, setup time (us)", endpoint.metric_model_setup_time()),
    ]


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDTH)


def _ascii(name: str) -> str:
    """R2 for R²: CloudFormation gives a template back with a question mark for what is not ASCII."""
    return unicodedata.normalize("NFKC", name)
