"""One dashboard: every run from drop to live, in the words of the pipeline. Each construct is asked for its metrics."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.endpoint import ServerlessEndpoint
from stacks.functions import Functions
from stacks.training import Training

_HOUR: Final = Duration.hours(1)
_WIDTH: Final = 8


class Dashboard(Construct):
    """Runs, training, candidate against champion, savings, and the endpoint."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
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
                _training(training, functions),
                _judgement(functions),
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


def _training(training: Training, functions: Functions) -> list[cloudwatch.IWidget]:
    return [
        _graph("Train: loss", *map(training.metric, ("train_loss", "validation_loss"))),
        _graph("Train: on validation rows", *map(training.metric, ("validation_accuracy", "validation_macro_f1"))),
        cloudwatch.GraphWidget(
            title="Train: seconds and Spot savings (%)",
            left=[functions.metric(name, statistic="Sum") for name in ("TrainingSeconds", "BillableSeconds")],
            right=[functions.metric("SpotSavingsPercent", statistic="Average")],
            width=_WIDTH,
        ),
    ]


def _judgement(functions: Functions) -> list[cloudwatch.IWidget]:
    return [
        _graph(title, *(functions.metric(name, statistic=statistic) for name in names))
        for title, statistic, names in (
            ("Evaluate: accuracy", "Average", ("CandidateAccuracy", "ChampionAccuracy")),
            ("Evaluate: macro-F1", "Average", ("CandidateMacroF1", "ChampionMacroF1")),
            ("Promote or Reject", "Sum", ("Promoted", "Rejected")),
        )
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
