"""What sets the pipeline going, and what watches it: EventBridge rules with constant inputs.

Delivery is at least once and in any order; that is fine, since an event only says "look again".
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain import layout
from domain.messages import Start

_TRIES = 24
_MAX_AGE = Duration.hours(6)


class Triggers(Construct):
    """A file dropped, overwritten or deleted under landing/, and the sweep, start the machine."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        machine: sfn.IStateMachine,
        dead_letters: sqs.IQueue,
        sweep_hours: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._machine, self._dead_letters = machine, dead_letters
        of_landing = {"bucket": {"name": [bucket.bucket_name]}, "object": {"key": [{"prefix": layout.LANDING}]}}
        self._rule("Dropped", "drop", event_pattern=_pattern("aws.s3", "Object Created", of_landing))
        self._rule("Deleted", "delete", event_pattern=_pattern("aws.s3", "Object Deleted", of_landing))
        self._rule("Sweep", "sweep", schedule=events.Schedule.rate(Duration.hours(sweep_hours)))

    def _rule(self, name: str, reason: str, **what: Any) -> None:
        target = targets.SfnStateMachine(
            self._machine,
            input=events.RuleTargetInput.from_object(Start.settle(reason).to_object()),
            dead_letter_queue=self._dead_letters,
            retry_attempts=_TRIES,
            max_event_age=_MAX_AGE,
        )
        events.Rule(self, name, description=f"Start the pipeline: {reason}", targets=[target], **what)


class Watchers(Construct):
    """A job that ended is measured, an execution that did not end well is reconciled, an approval is carried out."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
        machine: sfn.IStateMachine,
        observe: lambda_.IFunction,
        reconcile: lambda_.IFunction,
        approve: lambda_.IFunction,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        ended_job = {
            "TrainingJobName": [{"prefix": f"{project}-"}],
            "TrainingJobStatus": ["Completed", "Failed", "Stopped"],
        }
        broken = {"stateMachineArn": [machine.state_machine_arn], "status": ["FAILED", "ABORTED", "TIMED_OUT"]}
        decided = {
            "ModelPackageGroupName": [layout.package_group(project)],
            "ModelApprovalStatus": ["Approved", "Rejected"],
        }
        for name, source, kind, detail, function in (
            ("TrainingEnded", "aws.sagemaker", "SageMaker Training Job State Change", ended_job, observe),
            ("Approved", "aws.sagemaker", "SageMaker Model Package State Change", decided, approve),
            ("ExecutionBroken", "aws.states", "Step Functions Execution Status Change", broken, reconcile),
        ):
            events.Rule(
                self,
                name,
                description=f"{kind}: ask {function.node.scope.node.id if function.node.scope else name}",
                event_pattern=_pattern(source, kind, detail),
                targets=[
                    targets.LambdaFunction(
                        function, dead_letter_queue=dead_letters, retry_attempts=_TRIES, max_event_age=_MAX_AGE
                    )
                ],
            )


def _pattern(source: str, kind: str, detail: dict[str, Any]) -> events.EventPattern:
    return events.EventPattern(source=[source], detail_type=[kind], detail=detail)
