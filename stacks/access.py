"""What a step may do, by name: each method is one permission, as narrow as AWS allows.

The rows of `steps.py` grant these.
"""

from __future__ import annotations

from typing import Any, Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from domain import layout
from stacks.ledger_rights import LedgerRights

Grant = iam.PolicyStatement
_PARTITIONS: Final = "dynamodb:LeadingKeys"


class Access:
    """Permissions on the resources of one project; `endpoint_role` is what the endpoint's models run as."""

    def __init__(
        self,
        stack: Stack,
        *,
        project: str,
        bucket: s3.IBucket,
        ledger: dynamodb.ITable,
        topic: sns.ITopic,
        endpoint_role: iam.IRole,
        serving_repository_arn: str,
    ) -> None:
        self._serving_repository_arn = serving_repository_arn
        self._stack, self._project = stack, project
        self._bucket, self._ledger, self._topic, self._endpoint_role = bucket, ledger, topic, endpoint_role

    # ---- names that must be known before the resource is ---------------------

    def state_machine_arn(self) -> str:
        """ARN of the state machine, from its name: its functions are made before it."""
        return self._colon_arn("stateMachine", layout.state_machine(self._project))

    def sagemaker_arn(self, kind: str, name: str) -> str:
        """ARN of a SageMaker resource; AWS matches these in lower case."""
        return self._stack.format_arn(service="sagemaker", resource=kind, resource_name=name)

    # ---- the bucket ------------------------------------------------------------

    def list_bucket(self) -> Grant:
        """List, and be told that a missing object is missing: without it, S3 answers 403 instead of 404."""
        return _allow(["s3:ListBucket"], [self._bucket.bucket_arn])

    def read(self, *prefixes: str) -> Grant:
        """Read objects."""
        return _allow(["s3:GetObject"], self._objects(prefixes))

    def write(self, *prefixes: str) -> Grant:
        """Write objects."""
        return _allow(["s3:AbortMultipartUpload", "s3:PutObject"], self._objects(prefixes))

    def put(self, *prefixes: str) -> Grant:
        """Write objects, each in one request."""
        return _allow(["s3:PutObject"], self._objects(prefixes))

    def delete(self, *prefixes: str) -> Grant:
        """Delete objects; the bucket keeps their versions for a while."""
        return _allow(["s3:DeleteObject"], self._objects(prefixes))

    # ---- the ledger --------------------------------------------------------------

    def ledger(self, rights: LedgerRights) -> tuple[Grant, ...]:
        """Do with kinds of the ledger's items what `rights` say."""
        return tuple(self._items(action, kinds) for action, kinds in rights.by_action().items())

    def _items(self, action: str, kinds: list[str]) -> Grant:
        # ForAllValues holds of a call that names no partition, too, a Scan: so there must be one.
        only = {"ForAllValues:StringEquals": {_PARTITIONS: kinds}, "Null": {_PARTITIONS: "false"}}
        return _allow([action], [self._ledger.table_arn], only)

    # ---- executions ----------------------------------------------------------------

    def start_executions(self) -> Grant:
        """Start the machine."""
        return _allow(["states:StartExecution"], [self.state_machine_arn()])

    def look_at_executions(self) -> Grant:
        """Ask how an execution is."""
        return _allow(["states:DescribeExecution"], [self._executions()])

    def list_executions(self) -> Grant:
        """List what runs."""
        return _allow(["states:ListExecutions"], [self.state_machine_arn()])

    def stop_executions(self) -> Grant:
        """Stop what runs."""
        return _allow(["states:StopExecution"], [self._executions()])

    # ---- training jobs ---------------------------------------------------------------

    def list_jobs(self) -> Grant:
        """List training jobs; AWS offers no resource level for it."""
        return _allow(["sagemaker:ListTrainingJobs"], ["*"])

    def look_at_jobs(self) -> Grant:
        """Ask how a training job of this project is."""
        return _allow(["sagemaker:DescribeTrainingJob"], [self._jobs()])

    def stop_jobs(self) -> Grant:
        """Stop a training job of this project."""
        return _allow(["sagemaker:StopTrainingJob"], [self._jobs()])

    # ---- the endpoint -------------------------------------------------------------------

    def look_at_endpoint(self) -> Grant:
        """Ask how the endpoints are."""
        return _allow(["sagemaker:DescribeEndpoint"], self._endpoints())

    def look_at_what_serves(self) -> tuple[Grant, ...]:
        """Ask whether a config or a model is there."""
        return self._on_what_serves("Describe")

    def change_endpoint(self) -> Grant:
        """Create and update the endpoints, and create what they serve, with tags."""
        actions = ["AddTags", "CreateEndpoint", "CreateEndpointConfig", "CreateModel", "UpdateEndpoint"]
        return _allow([f"sagemaker:{action}" for action in actions], self._hosting())

    def remove_endpoint(self) -> Grant:
        """Delete the endpoints."""
        return _allow(["sagemaker:DeleteEndpoint"], self._endpoints())

    def end_rehearsal(self) -> Grant:
        """Delete the rehearsal's endpoint: never the live one."""
        return _allow(["sagemaker:DeleteEndpoint"], [self.sagemaker_arn("endpoint", layout.rehearsal(self._project))])

    def prune(self) -> tuple[Grant, ...]:
        """Delete configs and models."""
        return self._on_what_serves("Delete")

    def _on_what_serves(self, do: str) -> tuple[Grant, ...]:
        configs, models = self._made()
        return _allow([f"sagemaker:{do}EndpointConfig"], [configs]), _allow([f"sagemaker:{do}Model"], [models])

    def list_hosting(self) -> Grant:
        """List configs and models; AWS offers no resource level for it."""
        return _allow(["sagemaker:ListEndpointConfigs", "sagemaker:ListModels"], ["*"])

    def ask_endpoint(self) -> Grant:
        """Ask the live model, and the one in rehearsal."""
        return _allow(["sagemaker:InvokeEndpoint"], self._endpoints())

    def pass_endpoint_role(self) -> Grant:
        """Let a model run as the endpoint's role."""
        only_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        return _allow(["iam:PassRole"], [self._endpoint_role.role_arn], only_sagemaker)

    # ---- the registry -----------------------------------------------------------------------

    def register(self) -> Grant:
        """Make the group, with tags, and its versions."""
        actions = ["AddTags", "CreateModelPackage", "CreateModelPackageGroup", "DescribeModelPackageGroup"]
        return _allow([f"sagemaker:{action}" for action in actions], self._registry())

    def look_at_serving_image(self) -> Grant:
        """Let the registry look up the serving image's digest: CreateModelPackage does so in its caller's name."""
        return _allow(["ecr:BatchGetImage", "ecr:DescribeImages"], [self._serving_repository_arn])

    def look_at_packages(self) -> Grant:
        """Ask how a version is."""
        return _allow(["sagemaker:DescribeModelPackage"], self._registry()[1:])

    def remove_packages(self) -> tuple[Grant, ...]:
        """Delete the group and its versions."""
        group, versions = self._registry()
        of_group = ["sagemaker:DeleteModelPackageGroup", "sagemaker:DescribeModelPackageGroup"]
        return _allow(of_group, [group]), _allow(["sagemaker:DeleteModelPackage"], [versions])

    def list_packages(self) -> Grant:
        """List versions; AWS offers no resource level for it."""
        return _allow(["sagemaker:ListModelPackages"], ["*"])

    # ---- telling ---------------------------------------------------------------------------

    def notify(self) -> Grant:
        """Publish to the topic."""
        return _allow(["sns:Publish"], [self._topic.topic_arn])

    def put_events(self) -> Grant:
        """Put events on the account's default bus."""
        return _allow(["events:PutEvents"], [self._stack.format_arn(service="events", resource="event-bus/default")])

    # ---- ARNs ----------------------------------------------------------------------------------

    def _objects(self, prefixes: tuple[str, ...]) -> list[str]:
        return [self._bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]

    def _executions(self) -> str:
        return self._colon_arn("execution", f"{layout.state_machine(self._project)}:*")

    def _colon_arn(self, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service="states", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def _jobs(self) -> str:
        return self.sagemaker_arn("training-job", layout.of_any_run(self._project))

    def _endpoints(self) -> list[str]:
        names = (layout.endpoint(self._project), layout.rehearsal(self._project))
        return [self.sagemaker_arn("endpoint", name) for name in names]

    def _registry(self) -> list[str]:
        group = layout.package_group(self._project)
        return [
            self.sagemaker_arn("model-package-group", group),
            self.sagemaker_arn("model-package", f"{group}/*"),
        ]

    def _hosting(self) -> list[str]:
        return [*self._endpoints(), *self._made()]

    def _made(self) -> list[str]:
        names = layout.of_any_run(self._project)
        return [self.sagemaker_arn(kind, names) for kind in ("endpoint-config", "model")]


def _allow(actions: list[str], resources: list[str], conditions: dict[str, Any] | None = None) -> Grant:
    return iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
