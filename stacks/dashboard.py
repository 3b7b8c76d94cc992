"""One dashboard: every run from drop to live, in the words of the pipeline."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain import layout
from domain.metrics import NAMES
from stacks.alarms import endpoint_metric

_HOUR: Final = Duration.hours(1)
_WIDTH: Final = 8
_TRAINING_NAMESPACE: Final = "/aws/sagemaker/TrainingJobs"


class Dashboard(Construct):
    """Runs, training, candidate against champion, savings, and the endpoint."""

    def __init__(self, scope: Construct, construct_id: str, *, project: str, machine: sfn.StateMachine) -> None:
        super().__init__(scope, construct_id)
        self._project = project
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=project,
            default_interval=Duration.days(7),
            widgets=[self._runs(machine), self._training(), self._judgement(), self._endpoint()],
        )

    def _runs(self, machine: sfn.StateMachine) -> list[cloudwatch.IWidget]:
        ended = [
            machine.metric_succeeded(period=_HOUR, label="Succeeded"),
            machine.metric_failed(period=_HOUR, label="Failed"),
            machine.metric_aborted(period=_HOUR, label="Aborted"),
            machine.metric_timed_out(period=_HOUR, label="Timed out"),
        ]
        return [
            _graph("Runs", ended),
            _graph("Duration of a run (ms)", [machine.metric_time(period=_HOUR, statistic="Maximum", label="Longest")]),
            _graph("Rows", self._ours("RowsAccepted", "RowsRejected", statistic="Sum")),
        ]

    def _training(self) -> list[cloudwatch.IWidget]:
        loss = [self._of_jobs(NAMES[key]) for key in ("train_loss", "validation_loss")]
        quality = [self._of_jobs(NAMES[key]) for key in ("validation_accuracy", "validation_macro_f1")]
        spot = self._ours("TrainingSeconds", "BillableSeconds", statistic="Sum")
        savings = self._ours("SpotSavingsPercent", statistic="Average")
        return [
            _graph("Train: loss", loss),
            _graph("Train: on validation rows", quality),
            cloudwatch.GraphWidget(title="Train: seconds and Spot savings (%)", left=spot, right=savings, width=_WIDTH),
        ]

    def _judgement(self) -> list[cloudwatch.IWidget]:
        return [
            _graph("Evaluate: accuracy", self._ours("CandidateAccuracy", "ChampionAccuracy", statistic="Average")),
            _graph("Evaluate: macro-F1", self._ours("CandidateMacroF1", "ChampionMacroF1", statistic="Average")),
            _graph("Promote or Reject", self._ours("Promoted", "Rejected", statistic="Sum")),
        ]

    def _endpoint(self) -> list[cloudwatch.IWidget]:
        def metric(name: str, statistic: str) -> cloudwatch.Metric:
            return endpoint_metric(self._project, name, statistic)

        answers = [metric(name, "Sum") for name in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")]
        latency = [metric("ModelLatency", "p50"), metric("ModelLatency", "p99"), metric("OverheadLatency", "p99")]
        return [
            _graph("Endpoint: answers and errors", answers),
            _graph("Endpoint: latency (us)", latency),
            _graph("Endpoint: cold start, setup time (us)", [metric("ModelSetupTime", "Maximum")]),
        ]

    def _ours(self, *names: str, statistic: str) -> list[cloudwatch.IMetric]:
        """Metrics that our functions emit; the service is their only dimension."""
        return [
            cloudwatch.Metric(
                namespace=layout.metric_namespace(self._project),
                metric_name=name,
                dimensions_map={"service": self._project},
                statistic=statistic,
                period=_HOUR,
                label=name,
            )
            for name in names
        ]

    def _of_jobs(self, name: str) -> cloudwatch.IMetric:
        """A metric of all training jobs of the project, one line each: their names are not known at deploy."""
        # Unquoted terms match parts of a value, and a part cannot hold a hyphen.
        jobs = " ".join(f"TrainingJobName={part}" for part in self._project.split("-"))
        schema = f'{{"{_TRAINING_NAMESPACE}",TrainingJobName}}'
        search = f"SEARCH('{schema} MetricName=\"{name}\" {jobs}', 'Average', 60)"
        return cloudwatch.SearchExpression(expression=search, label="", period=Duration.minutes(1))


def _graph(title: str, metrics: list[cloudwatch.IMetric] | list[cloudwatch.Metric]) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDTH)
