"""The Lambda functions: one table of what each is given, and the construct that makes them from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from domain import layout
from domain.config import Settings
from domain.data import limits
from stacks import bundling
from stacks.access import Access, Grant
from stacks.bundling import EVALUATE, LIGHT, Package
from stacks.retention import retention

# ONNX Runtime would report to Microsoft. The code says so, too, before it imports it: it runs elsewhere as well.
_QUIET: Final = {"ORT_DISABLE_TELEMETRY": "1"}

# What AWS gives a new account at most, as users report; its documents give 10,240 MB.
_MOST_MEMORY_MB: Final = 3008


@dataclass(frozen=True)
class Step:
    """One row: a function's handler (`<folder>.<file>.<function>` below lambdas), its size, and what it may do."""

    name: str
    handler: str
    memory_mb: int
    timeout_seconds: int
    grants: tuple[Grant, ...]
    package: Package = LIGHT
    disk_mb: int = 512
    dead_letters: bool = False


def table(a: Access) -> tuple[Step, ...]:
    """All functions. A step's name is its file's name; the custom resource has two functions in one file.

    What each may do with the ledger is a table of its own, `ledger_rights.py`.
    """
    data, runs, models, quarantine = layout.DATASETS, layout.RUNS, layout.MODELS, layout.QUARANTINE
    released = layout.RELEASED
    steps = (
        Step("claim", "steps.claim.handler", 256, 30, (a.look_at_executions(),)),
        Step("settle", "steps.settle.handler", 256, 60, (a.list_bucket(),)),
        Step(
            "prepare", "steps.prepare.handler", limits.PREPARE_MEMORY_MB, limits.PREPARE_SECONDS,
            (a.list_bucket(), a.read(layout.LANDING, data, layout.MODELS), a.write(data, quarantine),
             a.list_jobs(), a.look_at_jobs(), a.stop_jobs(), a.notify()),
            disk_mb=limits.PREPARE_DISK_MB,
        ),
        Step(
            "screen", "steps.screen.handler", _MOST_MEMORY_MB, 900,
            (a.list_bucket(), a.read(released, data, runs), a.put(runs)),
            package=EVALUATE, disk_mb=4096,
        ),
        # Alone with Adopt it writes below released/: what no training job can replace.
        Step(
            "evaluate", "steps.evaluate.handler", _MOST_MEMORY_MB, 900,
            (a.list_bucket(), a.read(models, released, data, runs), a.put(runs, released),
             a.look_at_jobs(), a.register(), a.look_at_serving_image()),
            package=EVALUATE, disk_mb=4096,
        ),
        Step(
            "adopt", "steps.adopt.handler", 1024, 900,
            (a.list_bucket(), a.read(models), a.put(released)),
            package=EVALUATE, disk_mb=4096,
        ),
        Step("reject", "steps.reject.handler", 256, 120, (a.list_bucket(), a.read(data))),
        Step(
            "redeploy", "steps.redeploy.handler", 256, 120,
            (a.list_bucket(), a.read(released), a.look_at_packages(), a.look_at_endpoint(),
             *a.look_at_what_serves(), a.change_endpoint(), a.remove_endpoint(), a.pass_endpoint_role()),
        ),
        # Three minutes until the endpoint is provisioned, three tries of up to 75 s each where it breaks, and a minute
        # of golden rows one by one.
        Step(
            "verify", "steps.verify.handler", 256, 480,
            (a.list_bucket(), a.read(runs), a.look_at_endpoint(), a.ask_endpoint()),
        ),
        Step("promote", "steps.promote.handler", 256, 120, (a.look_at_packages(),)),
        Step("announce", "steps.announce.handler", 256, 60, (a.put_events(), a.notify())),
        Step(
            "release", "steps.release.handler", 256, 120,
            (a.list_bucket(), a.delete(models, released), a.start_executions(), a.list_jobs(),
             a.stop_jobs(), a.look_at_endpoint(), a.list_hosting(), a.end_rehearsal(), *a.prune()),
        ),
        Step(
            "reconcile", "events.reconcile.handler", 256, 120,
            (a.list_bucket(), a.start_executions(), a.look_at_executions(), a.list_jobs(),
             a.stop_jobs(), a.notify()),
            dead_letters=True,
        ),
        Step("observe", "events.observe.handler", 256, 60, (a.look_at_jobs(),), dead_letters=True),
        Step("lifecycle-on-event", "events.lifecycle.on_event", 256, 60, ()),
        Step(
            "lifecycle-is-complete", "events.lifecycle.is_complete", 256, 120,
            (a.start_executions(), a.look_at_executions(), a.list_executions(), a.stop_executions(),
             a.list_jobs(), a.stop_jobs(), a.look_at_endpoint(), a.remove_endpoint(), a.list_hosting(), *a.prune(),
             *a.remove_packages(), a.list_packages()),
        ),
        Step(
            "approve", "events.approve.handler", 256, 60,
            (a.look_at_packages(), a.start_executions()),
            dead_letters=True,
        ),
    )  # fmt: skip
    return tuple(replace(step, grants=(*a.ledger(step.name), *step.grants)) for step in steps)


class Functions(Construct):
    """The functions of `steps`, by name. `environment` is what every one of them is told."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        steps: tuple[Step, ...],
        environment: Mapping[str, str],
        dead_letters: sqs.IQueue,
        local: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._environment, self._dead_letters = settings, environment, dead_letters
        # One asset for each package: functions that share it share the upload.
        self._code = {package: bundling.code(package, local=local) for package in (LIGHT, EVALUATE)}
        self._functions = {step.name: self._make(step) for step in steps}

    def __getitem__(self, name: str) -> lambda_.Function:
        """The function of a step. Raises KeyError for a name that is not in the table."""
        return self._functions[name]

    def items(self) -> list[tuple[str, lambda_.Function]]:
        """All functions with their names, in the order of the table."""
        return list(self._functions.items())

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
        for grant in step.grants:
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
