"""The Serverless endpoint, owned by our code (docs/decisions): what CloudFormation owns is its role, its log, and a
custom resource that converges it at each deploy and removes it when the stack is deleted.

A CloudFormation-owned endpoint would be set back to the template's model by any later change of the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from domain import layout
from domain.settings import Settings
from stacks.images import Image
from stacks.retention import retention

# CloudWatch's namespaces of what is asked of an endpoint, and of what its containers use; the latter is its logs' too.
_NAMESPACE: Final = "AWS/SageMaker"
_OF_CONTAINERS: Final = "/aws/sagemaker/Endpoints"


class ServerlessEndpoint(Construct):
    """Role and log of the endpoint. Before the first promotion there is no endpoint, and that is a good state."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, image: Image, bucket: s3.IBucket
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._image = settings, image
        self.name = layout.endpoint(settings.project)
        self.log_group = self._log_of("Logs", self.name)
        self._rehearsals = self._log_of("RehearsalLogs", layout.rehearsal(settings.project))
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description=f"What the endpoint {self.name} may do",
        )
        for statement in self._of_the_model(bucket):
            self.role.add_to_policy(statement)

    def converge_by(
        self, on_event: lambda_.IFunction, is_complete: lambda_.IFunction, *, needs: Sequence[IConstruct]
    ) -> CustomResource:
        """Add the custom resource. `needs` is all that converging and teardown use: CloudFormation makes it before
        the custom resource, and deletes it after.
        """
        project, days = self._settings.project, self._settings.operations.log_retention_days
        log_group = logs.LogGroup(
            self,
            "ProviderLogs",
            log_group_name=f"/aws/lambda/{project}-deploy-framework",
            retention=retention(days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        provider = custom_resources.Provider(
            self,
            "Provider",
            on_event_handler=on_event,
            is_complete_handler=is_complete,
            query_interval=Duration.seconds(5),
            # As long as CloudFormation itself waits for a custom resource.
            total_timeout=Duration.hours(1),
            log_group=log_group,
            framework_on_event_role=self._role_of_framework("ProviderBegins", log_group),
            framework_complete_and_timeout_role=self._role_of_framework("ProviderWaits", log_group),
        )
        resource = CustomResource(
            self,
            "Converged",
            service_token=provider.service_token,
            resource_type="Custom::ServerlessEndpoint",
            # A change of any of these is an update, and an update converges the endpoint.
            properties={
                "Endpoint": self.name,
                "Image": self._image.uri,
                "Serving": layout.digest(self._settings.serving.model_dump(mode="json")),
                # Where archives are served from: a champion of a release before is sealed by the deploy that says so.
                "Archives": layout.RELEASED,
            },
        )
        resource.node.add_dependency(self.role, self.log_group, self._rehearsals, *needs)
        return resource

    # ---- metrics (SageMaker's guide, `serverless-endpoints-monitoring`) --------------------

    def metric(self, name: str, *, statistic: str, namespace: str = _NAMESPACE) -> cloudwatch.Metric:
        """A metric of the endpoint's one variant, each 5 minutes."""
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map={"EndpointName": self.name, "VariantName": layout.VARIANT},
            statistic=statistic,
            period=Duration.minutes(5),
        )

    def metric_invocations(self) -> cloudwatch.Metric:
        """How often it was asked."""
        return self.metric("Invocations", statistic="Sum")

    def metric_4xx_errors(self) -> cloudwatch.Metric:
        """How many requests were refused."""
        return self.metric("Invocation4XXErrors", statistic="Sum")

    def metric_5xx_errors(self) -> cloudwatch.Metric:
        """How many requests failed on the server's side."""
        return self.metric("Invocation5XXErrors", statistic="Sum")

    def metric_model_latency(self, *, statistic: str) -> cloudwatch.Metric:
        """How long the model server took for an answer, in us."""
        return self.metric("ModelLatency", statistic=statistic)

    def metric_overhead_latency(self, *, statistic: str) -> cloudwatch.Metric:
        """How long an answer took beside that, in us."""
        return self.metric("OverheadLatency", statistic=statistic)

    def metric_model_setup_time(self) -> cloudwatch.Metric:
        """The longest cold start, in us."""
        return self.metric("ModelSetupTime", statistic="Maximum")

    def metric_concurrency_utilization(self) -> cloudwatch.Metric:
        """The largest share of its max_concurrency that was in use; 1 is all of it."""
        return self.metric("ServerlessConcurrentExecutionsUtilization", statistic="Maximum")

    def metric_memory_utilization(self) -> cloudwatch.Metric:
        """The largest share of its memory that was in use, in percent."""
        return self.metric("MemoryUtilization", statistic="Maximum", namespace=_OF_CONTAINERS)

    def _role_of_framework(self, construct_id: str, log_group: logs.ILogGroup) -> iam.Role:
        """A role of the custom resource's framework, which grants it what it does.

        Without one the framework takes AWS's managed policy, which could create the log group again after the stack's
        deletion. Two, since what begins starts the machine that calls what waits.
        """
        role = iam.Role(
            self,
            construct_id,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What the framework of {self._settings.project}'s custom resource may do",
        )
        log_group.grant_write(role)
        return role

    def _log_of(self, construct_id: str, endpoint: str) -> logs.LogGroup:
        """The log group of an endpoint: SageMaker would create it without retention."""
        return logs.LogGroup(
            self,
            construct_id,
            log_group_name=f"{_OF_CONTAINERS}/{endpoint}",
            retention=retention(self._settings.operations.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _of_the_model(self, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
        pull = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
        # Not CreateLogGroup: after the stack's deletion it would bring a group back that blocks the next deploy.
        write = ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
        only_endpoints = {"StringEquals": {"cloudwatch:namespace": _OF_CONTAINERS}}
        group = Stack.of(self).format_arn(service="logs", resource=f"log-group:{_OF_CONTAINERS}/{self.name}*")
        return [
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{layout.RELEASED}*")]),
            # AWS offers no resource level for a login; what may be pulled is named below.
            iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
            iam.PolicyStatement(actions=[f"ecr:{name}" for name in pull], resources=[self._image.repository_arn]),
            iam.PolicyStatement(actions=[f"logs:{name}" for name in write], resources=[group]),
            # AWS offers no resource level for metrics; the namespace is the limit.
            iam.PolicyStatement(actions=["cloudwatch:PutMetricData"], resources=["*"], conditions=only_endpoints),
        ]
