"""A few alarms, each on a single metric (metric math is billed by the metric), silent while there is no data.

None is on failed executions: Reconcile tells of each one in plain words, and of a failed Reconcile an alarm does.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.endpoint import ServerlessEndpoint

_FIVE_MINUTES: Final = Duration.minutes(5)


class Alarms(Construct):
    """What a person should know about, sent to the topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
        endpoint: ServerlessEndpoint,
        reconcile: lambda_.IFunction,
        dead_letters: sqs.IQueue,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        failed = reconcile.metric_errors(period=_FIVE_MINUTES)
        waiting = dead_letters.metric_approximate_number_of_messages_visible(period=_FIVE_MINUTES, statistic="Maximum")
        latency = endpoint.metric_model_latency(statistic="p90")
        for name, metric, threshold, meaning in (
            ("ReconcileFailed", failed, 1, "Reconcile itself failed"),
            ("EventsLost", waiting, 1, "Events could not be delivered: see the dead-letter queue"),
            ("Answers5xx", endpoint.metric_5xx_errors(), 1, "The model server fails"),
            ("Answers4xx", endpoint.metric_4xx_errors(), 50, "Many requests are refused"),
            ("Slow", latency, 5_000_000, "Answers take over 5 s (metric in us)"),
            ("Busy", endpoint.metric_concurrency_utilization(), 0.9, "The endpoint is near its max_concurrency"),
            ("MemoryFull", endpoint.metric_memory_utilization(), 90, "The model server is near its memory_mb"),
        ):
            alarm = cloudwatch.Alarm(
                self,
                name,
                alarm_name=f"{project}-{name}",
                alarm_description=meaning,
                metric=metric,
                threshold=threshold,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(actions.SnsAction(topic))
