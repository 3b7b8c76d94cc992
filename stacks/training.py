"""The Train state, and what it needs: the role that the job runs as, and what the state machine may do for it.

A custom state, because CDK's own has neither Spot nor checkpoints (`SageMakerCreateTrainingJob`, aws-cdk-lib 2.275).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from domain import layout
from domain.metrics import NAMES, definitions
from domain.prices import AS_OF, REGION, TRAINING_USD_PER_HOUR, training_usd_per_hour
from domain.settings import TrainingSettings
from stacks.cdk_json import SettingsError
from stacks.images import Image
from stacks.sourcedir import SourceDir
from stacks.state_machine.variables import Variables, expression

# From "training has ended" to "the artifact is uploaded and Step Functions has noticed".
_WRAP_UP_SECONDS: Final = 1800
_VOLUME_GB: Final = 30
# CloudWatch's namespace of what jobs measure, and the log group that all jobs of an account share.
_OF_JOBS: Final = "/aws/sagemaker/TrainingJobs"
_MANIFESTS: Final = ("train", "validation", "dataset")
# Of the data, what a job learns from, and the ids of the rows that it is judged on: never those rows, nor what landed.
_READ: Final = ("train", "validation", "ids", "versions")
_ARTIFACT: Final = "$states.result.ModelArtifacts.S3ModelArtifacts"
# A job whose wait for Spot ran out ends Stopped with the first; a lack of instances Failed with the second.
NO_CAPACITY: Final = ("MaxWaitTimeExceeded", "CapacityError")


class Training(Construct):
    """What is fixed about a training job at deploy; `measures` are the keys of the task's.

    Raises SettingsError for an on-demand cap without a price.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
        settings: TrainingSettings,
        measures: Collection[str],
        image: Image,
        source: SourceDir,
        bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._settings, self._image, self._bucket = project, settings, image, bucket
        self._measures = measures
        self.on_demand_allowed = _on_demand_allowed(settings, Stack.of(self).region)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description=f"What training jobs of {project} may do",
        )
        for statement in self._of_the_job():
            self.role.add_to_policy(statement)
        # Not `grant_read`: that would open the whole bucket of assets.
        code = source.asset.bucket.arn_for_objects(source.asset.s3_object_key)
        self.role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[code]))

    @property
    def timeout_seconds(self) -> int:
        """The longest that one job may take, waiting for capacity and wrapping up included."""
        settings = self._settings
        return (settings.max_wait_seconds if settings.spot else settings.max_run_seconds) + _WRAP_UP_SECONDS

    def state(self) -> dict[str, Any]:
        """The Train state in Amazon States Language; reads $prepared, assigns $job, $artifact and $trained."""
        settings = self._settings
        return {
            "Type": "Task",
            "Comment": "One training job: Managed Spot with checkpoints; a restart resumes where it was",
            "Resource": f"arn:{Stack.of(self).partition}:states:::sagemaker:createTrainingJob.sync",
            "TimeoutSeconds": self.timeout_seconds,
            "Arguments": {
                "TrainingJobName": self._job_name(),
                "RoleArn": self.role.role_arn,
                "AlgorithmSpecification": {
                    "TrainingImage": self._image.uri,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": definitions(self._measures),
                },
                "HyperParameters": self._hyperparameters(),
                "InputDataConfig": self._channels(),
                "OutputDataConfig": {"S3OutputPath": "{% $prepared.output %}"},
                "CheckpointConfig": {"S3Uri": "{% $prepared.checkpoints %}", "LocalPath": "/opt/ml/checkpoints"},
                "ResourceConfig": {
                    "InstanceCount": settings.instance_count,
                    "InstanceType": settings.instance_type,
                    "VolumeSizeInGB": _VOLUME_GB,
                },
                "EnableManagedSpotTraining": "{% $spot %}" if self.on_demand_allowed else settings.spot,
                "StoppingCondition": self._stopping(),
                # The image installs requirements and fetches a hub model, so it needs the network.
                "EnableNetworkIsolation": False,
                "EnableInterContainerTrafficEncryption": settings.instance_count > 1,
                "Tags": [{"Key": "project", "Value": self._project}],
            },
            "Assign": Variables(
                job=expression("$states.result.TrainingJobName"),
                # A job that ended before it began has none, and an undefined value would fail the state.
                artifact=expression(f"$exists({_ARTIFACT}) ? {_ARTIFACT} : null"),
                trained={
                    "status": expression("$states.result.TrainingJobStatus"),
                    "why": expression("$states.result.SecondaryStatus"),
                },
            ),
            # For minutes, since SageMaker may not know of a new role yet. A lack of quota is not retried: it does not
            # go away within an execution, and Reconcile knows it by name.
            "Retry": [
                {
                    "ErrorEquals": ["SageMaker.AmazonSageMakerException"],
                    "IntervalSeconds": 10,
                    "MaxAttempts": 6,
                    "BackoffRate": 2,
                    "MaxDelaySeconds": 120,
                    "JitterStrategy": "FULL",
                }
            ],
        }

    def grants_to_machine(self) -> list[iam.PolicyStatement]:
        """What Step Functions needs to run a job and to wait for it (its Developer Guide, `connect-sagemaker`).

        And AddTags: Step Functions tags the job as its own (aws-cdk, issue 32294).
        """
        stack = Stack.of(self)
        names = layout.of_any_run(self._project)
        jobs = stack.format_arn(service="sagemaker", resource="training-job", resource_name=names)
        rule = stack.format_arn(service="events", resource="rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule")
        actions = ["CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "AddTags", "ListTags"]
        return [
            iam.PolicyStatement(actions=[f"sagemaker:{action}" for action in actions], resources=[jobs]),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self.role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"], resources=[rule]
            ),
        ]

    def metric(self, key: str) -> cloudwatch.SearchExpression:
        """The metric of all training jobs of the project that `domain/metrics.py` has under `key`, each minute.

        One line each: their names are not known at deploy.
        """
        # Unquoted terms match parts of a value, and a part cannot hold a hyphen.
        jobs = " ".join(f"TrainingJobName={part}" for part in self._project.split("-"))
        schema = f'{{"{_OF_JOBS}",TrainingJobName}}'
        search = f"SEARCH('{schema} MetricName=\"{NAMES[key]}\" {jobs}', 'Average', 60)"
        return cloudwatch.SearchExpression(expression=search, label="", period=Duration.minutes(1))

    def _job_name(self) -> str:
        """A name is used once in an account's life, so every try that Step Functions makes has its own."""
        context = {"-r": "$states.context.State.RetryCount", "-d": "$states.context.Execution.RedriveCount"}
        tries = [f"({count} > 0 ? '{mark}' & $string({count}) : '')" for mark, count in context.items()]
        market = ["($spot ? '' : '-od')"] if self.on_demand_allowed else []
        return f"{{% {' & '.join(['$prepared.job', *market, *tries])} %}}"

    def _hyperparameters(self) -> str:
        if self._settings.instance_count == 1:
            return "{% $prepared.hyperparameters %}"
        # The image's own launcher: torchrun on every instance.
        launcher = {
            "sagemaker_torch_distributed_enabled": "true",
            "sagemaker_instance_type": json.dumps(self._settings.instance_type),
        }
        return f"{{% $merge([$prepared.hyperparameters, {json.dumps(launcher)}]) %}}"

    def _stopping(self) -> dict[str, int] | str:
        run = {"MaxRuntimeInSeconds": self._settings.max_run_seconds}
        if not self._settings.spot:
            return run
        spot = {**run, "MaxWaitTimeInSeconds": self._settings.max_wait_seconds}
        # SageMaker refuses a wait time for a job that is not Spot.
        return f"{{% $spot ? {json.dumps(spot)} : {json.dumps(run)} %}}" if self.on_demand_allowed else spot

    def _channels(self) -> list[dict[str, Any]]:
        channels = [_channel(name, "ManifestFile", f"{{% $prepared.{name}_manifest %}}") for name in _MANIFESTS]
        base = self._settings.base_uri
        return [*channels, _channel("base", "S3Prefix", base)] if base else channels

    def _of_the_job(self) -> list[iam.PolicyStatement]:
        stack, bucket = Stack.of(self), self._bucket
        inputs = [layout.of_any_version(kind) for kind in _READ]
        read = [bucket.arn_for_objects(f"{prefix}*") for prefix in (*inputs, layout.CHECKPOINTS)]
        write = [bucket.arn_for_objects(f"{prefix}*") for prefix in (layout.MODELS, layout.CHECKPOINTS)]
        lists = [_listing(bucket.bucket_arn, *inputs, layout.MODELS, layout.CHECKPOINTS)]
        if self._settings.base_uri:
            base_bucket, prefix = layout.split_uri(self._settings.base_uri)
            lists.append(_listing(f"arn:{stack.partition}:s3:::{base_bucket}", prefix))
            read.append(f"arn:{stack.partition}:s3:::{base_bucket}/{prefix}*")
        logs = stack.format_arn(service="logs", resource=f"log-group:{_OF_JOBS}*")
        return [
            *lists,
            iam.PolicyStatement(actions=["s3:GetObject"], resources=read),
            iam.PolicyStatement(actions=["s3:PutObject", "s3:AbortMultipartUpload"], resources=write),
            # A checkpoint that the script prunes is deleted in S3 too (SageMaker's guide, "Checkpoints").
            iam.PolicyStatement(
                actions=["s3:DeleteObject"], resources=[bucket.arn_for_objects(f"{layout.CHECKPOINTS}*")]
            ),
            iam.PolicyStatement(
                actions=[
                    f"logs:{a}" for a in ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents")
                ],
                resources=[logs],
            ),
            # AWS offers no resource level for metrics; the namespace is the limit.
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": _OF_JOBS}},
            ),
            # AWS offers no resource level for a login; what may be pulled is named below.
            iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
            iam.PolicyStatement(
                actions=[
                    f"ecr:{a}" for a in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
                ],
                resources=[self._image.repository_arn],
            ),
        ]


def _listing(bucket: str, *prefixes: str) -> iam.PolicyStatement:
    """List what is below `prefixes`, and nothing beside it: SageMaker looks there for what a job reads and writes."""
    below = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    return iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket], conditions=below)


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}


def _on_demand_allowed(settings: TrainingSettings, region: str) -> bool:
    """Whether a job that found no Spot capacity may run on demand, by the price table. Raises SettingsError."""
    cap = settings.on_demand_max_usd_per_hour
    if not settings.spot or cap == 0:
        return False
    if region != REGION:
        raise SettingsError(
            f"training.on_demand_max_usd_per_hour is {cap}, but domain/prices.py has the prices of {REGION} and this "
            f"deploys to {region}, where they may be higher: set 0, or make them and `REGION` those of {region}."
        )
    price = training_usd_per_hour(settings.instance_type)
    if price is None:
        raise SettingsError(
            f"training.on_demand_max_usd_per_hour is {cap}, but domain/prices.py (of {AS_OF}) has no price for "
            f"{settings.instance_type}, only for {', '.join(sorted(TRAINING_USD_PER_HOUR))}: add it, or set 0."
        )
    return price * settings.instance_count <= cap
