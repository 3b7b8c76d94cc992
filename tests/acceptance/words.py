"""Every text of AWS's errors that the code depends on, where it does, and how AWS is made to say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from domain import layout
from tests.e2e.driver import Pipeline


@dataclass(frozen=True)
class Words:
    """`text` is looked for by the code in `file`, in an error of `code`; `when` says what AWS was asked."""

    text: str
    code: str
    file: str
    when: str


@dataclass(frozen=True)
class Provoked:
    """Words that a request makes AWS say; the request raises them."""

    words: Words
    request: Callable[[Pipeline], object]


def said(provoked: Provoked, pipeline: Pipeline) -> str:
    """The message that AWS answers. Raises AssertionError if it does not refuse, or in other words."""
    try:
        provoked.request(pipeline)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        assert code == provoked.words.code, f"{code}: {message}"
        assert provoked.words.text in message, message
        return f"{code}: {message}"
    raise AssertionError(f"AWS did not refuse: {provoked.words.when}")


def _sagemaker(pipeline: Pipeline, operation: str, **arguments: Any) -> Any:
    return getattr(pipeline.client("sagemaker"), operation)(**arguments)


def _nothing(pipeline: Pipeline) -> str:
    return f"{pipeline.project}-nothing"


def _live(pipeline: Pipeline) -> tuple[str, dict[str, Any]]:
    """(config's name, its variant) of what is live."""
    endpoint = pipeline.endpoint()
    assert endpoint is not None
    config = endpoint["EndpointConfigName"]
    described = _sagemaker(pipeline, "describe_endpoint_config", EndpointConfigName=config)
    (variant,) = described["ProductionVariants"]
    kept = {key: variant[key] for key in ("VariantName", "ModelName", "ServerlessConfig")}
    return config, kept


def _model_again(pipeline: Pipeline) -> None:
    name = _live(pipeline)[1]["ModelName"]
    model = _sagemaker(pipeline, "describe_model", ModelName=name)
    container = {key: model["PrimaryContainer"][key] for key in ("Image", "ModelDataUrl")}
    _sagemaker(
        pipeline, "create_model", ModelName=name, ExecutionRoleArn=model["ExecutionRoleArn"], PrimaryContainer=container
    )


def _config_again(pipeline: Pipeline) -> None:
    config, variant = _live(pipeline)
    _sagemaker(pipeline, "create_endpoint_config", EndpointConfigName=config, ProductionVariants=[variant])


def _endpoint_again(pipeline: Pipeline) -> None:
    _sagemaker(pipeline, "create_endpoint", EndpointName=pipeline.project, EndpointConfigName=_live(pipeline)[0])


def _config_of_no_model(pipeline: Pipeline) -> None:
    variant = {**_live(pipeline)[1], "ModelName": _nothing(pipeline)}
    _sagemaker(pipeline, "create_endpoint_config", EndpointConfigName=_nothing(pipeline), ProductionVariants=[variant])


def _update_twice(pipeline: Pipeline) -> None:
    """Another config, and while the endpoint is on its way to it, the one that was live; at the end that one is."""
    live, variant = _live(pipeline)
    by_hand = f"{pipeline.project}-by-hand"
    serverless = {**variant["ServerlessConfig"], "MaxConcurrency": 1}
    _sagemaker(
        pipeline, "create_endpoint_config", EndpointConfigName=by_hand,
        ProductionVariants=[{**variant, "ServerlessConfig": serverless}],
    )  # fmt: skip
    try:
        _sagemaker(pipeline, "update_endpoint", EndpointName=pipeline.project, EndpointConfigName=by_hand)
        _sagemaker(pipeline, "update_endpoint", EndpointName=pipeline.project, EndpointConfigName=live)
    finally:
        pipeline.until("the endpoint at rest", lambda: _status(pipeline) == "InService")
        _sagemaker(pipeline, "update_endpoint", EndpointName=pipeline.project, EndpointConfigName=live)
        pipeline.until("the endpoint at rest", lambda: _status(pipeline) == "InService")
        _sagemaker(pipeline, "delete_endpoint_config", EndpointConfigName=by_hand)


def _status(pipeline: Pipeline) -> str:
    endpoint = pipeline.endpoint()
    return endpoint["EndpointStatus"] if endpoint else ""


HOSTING, REGISTRY = "lambdas/model/hosting.py", "lambdas/model/registry.py"
_INVALID = "ValidationException"
PROVOKED = (
    Provoked(
        Words("ould not find", _INVALID, HOSTING, "DescribeEndpoint of none"),
        lambda p: _sagemaker(p, "describe_endpoint", EndpointName=_nothing(p)),
    ),
    Provoked(
        Words("ould not find", _INVALID, HOSTING, "DescribeEndpointConfig of none"),
        lambda p: _sagemaker(p, "describe_endpoint_config", EndpointConfigName=_nothing(p)),
    ),
    Provoked(
        Words("ould not find", _INVALID, HOSTING, "DescribeModel of none"),
        lambda p: _sagemaker(p, "describe_model", ModelName=_nothing(p)),
    ),
    Provoked(
        Words('ould not find model "', _INVALID, HOSTING, "a config of a model that is not there"), _config_of_no_model
    ),
    Provoked(
        Words("ould not find endpoint", _INVALID, HOSTING, "an update to a config that is not there"),
        lambda p: _sagemaker(p, "update_endpoint", EndpointName=p.project, EndpointConfigName=_nothing(p)),
    ),
    Provoked(Words("already exist", _INVALID, HOSTING, "CreateModel twice"), _model_again),
    Provoked(Words("already exist", _INVALID, HOSTING, "CreateEndpointConfig twice"), _config_again),
    Provoked(Words("already exist", _INVALID, HOSTING, "CreateEndpoint twice"), _endpoint_again),
    Provoked(Words("in-progress", _INVALID, HOSTING, "UpdateEndpoint while it is updating"), _update_twice),
    Provoked(
        Words("does not exist", _INVALID, REGISTRY, "DescribeModelPackageGroup of none"),
        lambda p: _sagemaker(p, "describe_model_package_group", ModelPackageGroupName=_nothing(p)),
    ),
    Provoked(
        Words("already exists", _INVALID, REGISTRY, "CreateModelPackageGroup twice"),
        lambda p: _sagemaker(p, "create_model_package_group", ModelPackageGroupName=layout.package_group(p.project)),
    ),
    Provoked(
        Words("does not exist", "ValidationError", "ops/doctor/deployed.py", "DescribeStacks of none"),
        lambda p: p.client("cloudformation").describe_stacks(StackName=_nothing(p)),
    ),
)
# What no run provokes: it takes an account without a quota, a lack of capacity, or a mail to a stranger; and whether
# AWS refuses to stop a job that has ended, as it is taken to, makes no difference to the code.
NOT_PROVOKED = (
    Words("ValidationException", "", "lambdas/model/jobs.py", "StopTrainingJob of one that has ended"),
    Words("ResourceLimitExceeded", "", "domain/explain.py", "CreateTrainingJob beyond a quota"),
    Words("service limit '", "", "domain/explain.py", "the same: the quota's name"),
    Words(r"\bis 0 Instances", "", "domain/explain.py", "the same, with a quota of 0"),
    Words("MaxWaitTimeExceeded", "", "stacks/training.py", "a Spot job that found no instance"),
    Words("CapacityError", "", "stacks/training.py", "a job for which AWS has no instance"),
    Words('"arn:"', "", "ops/subscription.py", "ListSubscriptionsByTopic says PendingConfirmation for an ARN"),
    Words("application/vnd.oci.image.manifest.v1+json", "", "ops/doctor/image.py", "CreateModel refuses it"),
)
