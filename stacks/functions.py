"""The Lambda functions, made from the rows of `steps.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from domain import layout
from domain.settings import Settings
from stacks import bundling
from stacks.access import Access
from stacks.bundling import EVALUATE, LIGHT
from stacks.retention import retention
from stacks.steps import STEPS, Step

# ONNX Runtime would report to Microsoft. The code says so, too, before it imports it: it runs elsewhere as well.
_QUIET: Final = {"ORT_DISABLE_TELEMETRY": "1"}


class Functions(Construct):
    """All functions, by name. `environment` is what every one of them is told; `access` makes what each may do."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        access: Access,
        environment: Mapping[str, str],
        dead_letters: sqs.IQueue,
        local: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._environment, self._dead_letters = settings, environment, dead_letters
        self._access = access
        # One asset for each package: functions that share it share the upload.
        self._code = {package: bundling.code(package, settings.task, local=local) for package in (LIGHT, EVALUATE)}
        self._functions = {step.name: self._make(step) for step in STEPS}

    def __getitem__(self, name: str) -> lambda_.Function:
        """The function of a step. Raises KeyError for a name that is in no row."""
        return self._functions[name]

    def metric(self, name: str, *, statistic: str) -> cloudwatch.Metric:
        """A metric that a function emits, each hour; the service is the only dimension of these."""
        return cloudwatch.Metric(
            namespace=layout.metric_namespace(self._settings.project),
            metric_name=name,
            dimensions_map={"service": self._settings.project},
            statistic=statistic,
            period=Duration.hours(1),
            label=name,
        )

    def _make(self, step: Step) -> lambda_.Function:
        name = layout.function(self._settings.project, step.name)
        scope = Construct(self, _camel(step.name))
        log_group = logs.LogGroup(
            scope,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=retention(self._settings.operations.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            scope,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {name} may do",
        )
        # Not AWS's managed policy: it could create the log group again after the stack is gone.
        log_group.grant_write(role)
        for grant in step.grants(self._access):
            role.add_to_policy(grant)
        return lambda_.Function(
            scope,
            "Function",
            function_name=name,
            description=f"{_camel(step.name)}: lambdas/{step.handler.rsplit('.', 1)[0].replace('.', '/')}.py",
            runtime=bundling.RUNTIME,
            architecture=lambda_.Architecture.X86_64,
            handler=f"lambdas.{step.handler}",
            code=self._code[step.package],
            memory_size=step.memory_mb,
            timeout=Duration.seconds(step.timeout_seconds),
            ephemeral_storage_size=Size.mebibytes(step.disk_mb),
            environment={
                **self._environment,
                **(_QUIET if step.package is EVALUATE else {}),
                "POWERTOOLS_SERVICE_NAME": self._settings.project,
                "POWERTOOLS_METRICS_NAMESPACE": layout.metric_namespace(self._settings.project),
            },
            role=role,
            log_group=log_group,
            dead_letter_queue=self._dead_letters if step.dead_letters else None,
        )


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
