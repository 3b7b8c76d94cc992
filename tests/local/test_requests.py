"""Requests that AWS refuses are refused: by the service's model, by its cross-field rules, and by IAM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.cloud import REGION, LocalCloud
from local.sagemaker import rules, validation
from local.sagemaker.errors import ApiError
from tests.local import builders

ROLE = "arn:aws:iam::000000000000:role/sagemaker"
Change = Callable[[dict[str, Any]], Any]


def job(change: Change) -> dict[str, Any]:
    request = builders.training_job("job-1", ROLE, spot=True)
    change(request)
    return request


def check_training_job(request: dict[str, Any]) -> None:
    validation.check("CreateTrainingJob", request)
    rules.training_job(request)


def check_endpoint_config(request: dict[str, Any], model: dict[str, Any]) -> None:
    validation.check("CreateEndpointConfig", request)
    rules.endpoint_config(request, {"m": model})


JOBS: list[tuple[str, str, Change]] = [
    ("underscore", "pattern", lambda r: r.update(TrainingJobName="a_b")),
    ("long name", "length less than or equal to 63", lambda r: r.update(TrainingJobName="a" * 64)),
    ("number as value", "Invalid type", lambda r: r["HyperParameters"].update(epochs=3)),
    ("long value", "2500", lambda r: r["HyperParameters"].update(text="x" * 2501)),
    ("unknown mode", "enum", lambda r: r["AlgorithmSpecification"].update(TrainingInputMode="Files")),
    ("unknown member", "Unknown parameter", lambda r: r.update(Spot=True)),
    ("no role", "RoleArn", lambda r: r.pop("RoleArn")),
    ("no stopping", "stoppingCondition", lambda r: r.pop("StoppingCondition")),
    ("spot without wait", "must be provided", lambda r: r["StoppingCondition"].pop("MaxWaitTimeInSeconds")),
    ("wait below run", "greater than or equal", lambda r: r["StoppingCondition"].update(MaxWaitTimeInSeconds=299)),
    ("wait without spot", "only applicable", lambda r: r.update(EnableManagedSpotTraining=False)),
    ("volume key", "local storage", lambda r: r["ResourceConfig"].update(VolumeKmsKeyId="k")),
    ("warm pool", "Spot", lambda r: r["ResourceConfig"].update(KeepAlivePeriodInSeconds=60)),
    ("two instances", "one instance", lambda r: r["ResourceConfig"].update(InstanceCount=2)),
    ("channels", "unique", lambda r: r.update(InputDataConfig=[builders.channel("a", "s3://b/c/")] * 2)),
]


@pytest.mark.parametrize(
    ("words", "change"), [(words, change) for _, words, change in JOBS], ids=[name for name, _, _ in JOBS]
)
def test_training_jobs_that_are_refused(words: str, change: Change) -> None:
    request = job(change)
    with pytest.raises(ApiError, match=words) as refused:
        check_training_job(request)
    assert refused.value.code == "ValidationException"


def test_the_request_that_the_others_spoil_is_fine() -> None:
    check_training_job(job(lambda _: None))


def serverless(**serverless_config: int) -> dict[str, Any]:
    return {
        "EndpointConfigName": "c",
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": "m",
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5, **serverless_config},
            }
        ],
    }


@pytest.mark.parametrize(
    ("request_", "model", "words"),
    [
        (serverless(MemorySizeInMB=2000), {}, "1024, 2048"),
        (serverless(MemorySizeInMB=7168), {}, "6144"),
        (serverless(MaxConcurrency=201), {}, "200"),
        (serverless(ProvisionedConcurrency=6), {}, "less than or equal to MaxConcurrency"),
        (serverless(), {"VpcConfig": {"Subnets": ["s"]}}, "VpcConfig"),
        (serverless(), {"EnableNetworkIsolation": True}, "isolation"),
        (serverless(), {"PrimaryContainer": {"ModelDataSource": {"S3DataSource": {}}}}, "ModelDataSource"),
        (
            {
                **serverless(),
                "DataCaptureConfig": {
                    "InitialSamplingPercentage": 1,
                    "DestinationS3Uri": "s3://a/b",
                    "CaptureOptions": [{"CaptureMode": "Input"}],
                },
            },
            {},
            "DataCaptureConfig",
        ),
    ],
)
def test_endpoint_configs_that_are_refused(request_: dict[str, Any], model: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError, match=words):
        check_endpoint_config(request_, model)


def test_unknown_operations_are_unknown(small_cloud: LocalCloud) -> None:
    with pytest.raises(ClientError) as error:
        small_cloud.client("sagemaker").list_notebook_instances()
    assert error.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_role_that_sagemaker_may_not_assume_is_refused(small_cloud: LocalCloud) -> None:
    wrong = builders.role(small_cloud, builders.unique("lambda-role"), builders.allow("*"), service="lambda")
    with pytest.raises(ClientError, match="Could not assume role"):
        small_cloud.client("sagemaker").create_training_job(**builders.training_job(builders.unique("no"), wrong))


def test_configs_need_their_models_and_names_are_taken_once(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    sagemaker = small_cloud.client("sagemaker")
    with pytest.raises(ClientError, match='Could not find model "arn:aws:sagemaker:'):
        sagemaker.create_endpoint_config(**serverless())
    name = builders.unique("model")
    container = {"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/serving:local"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=sagemaker_role, PrimaryContainer=container)
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=sagemaker_role, PrimaryContainer=container)
    assert [item["ModelName"] for item in sagemaker.list_models(NameContains=name)["Models"]] == [name]
    sagemaker.delete_model(ModelName=name)
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.describe_model(ModelName=name)


def test_the_registry_numbers_its_packages(small_cloud: LocalCloud) -> None:
    sagemaker, group = small_cloud.client("sagemaker"), builders.unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arns = [sagemaker.create_model_package(ModelPackageGroupName=group)["ModelPackageArn"] for _ in range(2)]
    sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved")
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [(item["ModelPackageVersion"], item["ModelApprovalStatus"]) for item in listed] == [
        (2, "Approved"),
        (1, "PendingManualApproval"),
    ]


def as_role(cloud: LocalCloud, role: str, service: str) -> Any:
    credentials = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    return boto3.session.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        REGION,
    ).client(service, endpoint_url=cloud.url, config=Config(retries={"total_max_attempts": 1}))


@pytest.mark.parametrize(
    ("statements", "outcome"),
    [
        ([builders.allow("sagemaker:CreateModel")], "iam:PassRole"),
        ([builders.allow("sagemaker:CreateModel"), builders.allow("iam:PassRole", resource=ROLE)], "sagemaker:AddTags"),
        ([builders.allow("sagemaker:*"), builders.allow("iam:PassRole", resource=ROLE)], ""),
        ([builders.allow("sagemaker:CreateModel", resource="arn:aws:sagemaker:*:*:model/other-*")], "CreateModel"),
    ],
)
def test_a_callers_policies_decide(
    small_cloud: LocalCloud, sagemaker_role: str, statements: list[dict[str, Any]], outcome: str
) -> None:
    caller = builders.role(small_cloud, builders.unique("caller"), *statements, service="lambda")
    request = {
        "ModelName": builders.unique("tagged"),
        "ExecutionRoleArn": sagemaker_role,
        "PrimaryContainer": {"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/serving:local"},
        "Tags": [{"Key": "project", "Value": "p"}],
    }
    sagemaker = as_role(small_cloud, caller, "sagemaker")
    if outcome:
        with pytest.raises(ClientError, match=outcome) as error:
            sagemaker.create_model(**request)
        assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    else:
        arn = sagemaker.create_model(**request)["ModelArn"]
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == request["Tags"]


@pytest.mark.parametrize(
    ("rights", "outcome"),
    [
        ((), "ecr:BatchGetImage"),
        (("ecr:BatchGetImage",), "ecr:DescribeImages"),
        (("ecr:BatchGetImage", "ecr:DescribeImages"), ""),
    ],
)
def test_a_model_package_looks_up_its_image_in_its_callers_name(
    small_cloud: LocalCloud, rights: tuple[str, ...], outcome: str
) -> None:
    repository = "arn:aws:ecr:us-east-1:000000000000:repository/serving"
    statements = [builders.allow("sagemaker:*"), *(builders.allow(right, resource=repository) for right in rights)]
    caller = builders.role(small_cloud, builders.unique("caller"), *statements, service="lambda")
    sagemaker, group = as_role(small_cloud, caller, "sagemaker"), builders.unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    request = {
        "ModelPackageGroupName": group,
        "InferenceSpecification": {
            "Containers": [{"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/serving:local"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    }
    if outcome:
        with pytest.raises(ClientError, match=f"{outcome} on resource: {repository}"):
            sagemaker.create_model_package(**request)
    else:
        assert sagemaker.create_model_package(**request)["ModelPackageArn"].endswith(f"{group}/1")
