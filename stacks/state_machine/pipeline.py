"""The state machine of a project: its definition (`definition.py`) with its name, bounds, log and rights."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain import layout
from domain.settings import Settings
from stacks.access import Access
from stacks.functions import Functions
from stacks.retention import retention
from stacks.state_machine.definition import link
from stacks.state_machine.tasks import Tasks
from stacks.training import Training

# Everything but Settle and Train: Prepare, Evaluate, two convergences and one back, and waiting for a busy endpoint or
# for the account's quota.
_REST_SECONDS: Final = 5 * 3600


class Pipeline(Construct):
    """The state machine, `machine`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        functions: Functions,
        training: Training,
        access: Access,
    ) -> None:
        super().__init__(scope, construct_id)
        name = layout.state_machine(settings.project)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=retention(settings.operations.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        trainings = 2 if training.on_demand_allowed else 1
        seconds = settings.data.settle_max_seconds + trainings * training.timeout_seconds + _REST_SECONDS
        tasks = Tasks(self, settings=settings, functions=functions, training=training, access=access)
        begin = link(self, tasks, on_demand_allowed=training.on_demand_allowed)
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            query_language=sfn.QueryLanguage.JSONATA,
            comment="From a dropped file to a live model",
            definition_body=sfn.DefinitionBody.from_chainable(begin),
            timeout=Duration.seconds(seconds),
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True),
            tracing_enabled=False,
        )
        for statement in training.grants_to_machine():
            self.machine.add_to_role_policy(statement)
