"""Rules that span several members of a request; botocore's model cannot express them.

Each rule is stated in the service's API documentation (botocore carries the texts): Spot waits, what a serverless
variant excludes, local storage and volume keys. What the local cloud itself cannot do is refused here too, by name.
"""

from __future__ import annotations

from typing import Any

from local.sagemaker.errors import invalid

LOCAL_STORAGE_FAMILIES = (
    "ml.g4dn.",
    "ml.g5.",
    "ml.g6.",
    "ml.p4d.",
    "ml.p5.",
    "ml.m5d.",
    "ml.c5d.",
    "ml.r5d.",
)
DEFAULT_MAX_RUNTIME = 86_400


def training_job(request: dict[str, Any]) -> None:
    """CreateTrainingJob. Raises ApiError(ValidationException)."""
    for name in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if name not in request:
            raise invalid(
                f"1 validation error detected: Value null at '{name[0].lower()}{name[1:]}' failed to "
                "satisfy constraint: Member must not be null"
            )
    _spot(request)
    _resources(request["ResourceConfig"], bool(request.get("EnableManagedSpotTraining")))
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(names) != len(set(names)):
        raise invalid("Channel names in InputDataConfig must be unique.")
    if request["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        raise invalid("The local cloud writes model artifacts as GZIP only; serverless endpoints need one tarball.")
    if request.get("EnableNetworkIsolation") or request.get("VpcConfig"):
        raise invalid("The local cloud has no network isolation and no VPC.")


def _spot(request: dict[str, Any]) -> None:
    spot = request.get("EnableManagedSpotTraining", False)
    stopping = request["StoppingCondition"]
    wait = stopping.get("MaxWaitTimeInSeconds")
    if not spot:
        if wait is not None:
            raise invalid("MaxWaitTimeInSeconds is only applicable when EnableManagedSpotTraining is true.")
        return
    if wait is None:
        raise invalid("MaxWaitTimeInSeconds must be provided when EnableManagedSpotTraining is true.")
    if wait < stopping.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME):
        raise invalid("MaxWaitTimeInSeconds must be greater than or equal to MaxRuntimeInSeconds.")


def _resources(resources: dict[str, Any], spot: bool) -> None:
    instance = resources.get("InstanceType", "")
    if "InstanceType" not in resources or "InstanceCount" not in resources:
        raise invalid("ResourceConfig must hold InstanceType and InstanceCount.")
    if resources["InstanceCount"] != 1:
        raise invalid("The local cloud runs one instance per training job.")
    if resources.get("VolumeKmsKeyId") and instance.startswith(LOCAL_STORAGE_FAMILIES):
        raise invalid(f"VolumeKmsKeyId is not supported for instance type {instance}, which has local storage.")
    if spot and resources.get("KeepAlivePeriodInSeconds"):
        raise invalid("KeepAlivePeriodInSeconds can not be used with Managed Spot Training.")


def endpoint_config(request: dict[str, Any], models: dict[str, dict[str, Any]]) -> None:
    """CreateEndpointConfig; `models` holds the Describe records of the named models.

    Raises ApiError(ValidationException).
    """
    variants = request["ProductionVariants"]
    if len(variants) != 1:
        raise invalid("The local cloud serves exactly one production variant, as a serverless endpoint does.")
    variant = variants[0]
    serverless = variant.get("ServerlessConfig")
    if serverless is None:
        raise invalid("The local cloud serves serverless variants only: ServerlessConfig is missing.")
    if "InstanceType" in variant or "InitialInstanceCount" in variant:
        raise invalid("InstanceType and InitialInstanceCount can not be used with ServerlessConfig.")
    memory = serverless["MemorySizeInMB"]
    if memory % 1024:
        raise invalid(f"MemorySizeInMB {memory} is not one of 1024, 2048, 3072, 4096, 5120, 6144.")
    if serverless.get("ProvisionedConcurrency", 1) > serverless["MaxConcurrency"]:
        raise invalid("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")
    for key in ("DataCaptureConfig", "ShadowProductionVariants", "AsyncInferenceConfig"):
        if request.get(key):
            raise invalid(f"{key} is not supported for serverless endpoints.")
    _serverless_model(models[variant["ModelName"]])


def _serverless_model(model: dict[str, Any]) -> None:
    if model.get("VpcConfig"):
        raise invalid("VpcConfig is not supported for serverless endpoints.")
    if model.get("EnableNetworkIsolation"):
        raise invalid("Network isolation is not supported for serverless endpoints.")
    container = model.get("PrimaryContainer", {})
    if container.get("ModelDataSource"):
        raise invalid("ModelDataSource is not supported for serverless endpoints; use ModelDataUrl.")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise invalid("Multi-model containers are not supported for serverless endpoints.")


def model(request: dict[str, Any]) -> None:
    """CreateModel. Raises ApiError(ValidationException)."""
    if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
        raise invalid("Exactly one of PrimaryContainer and Containers must be given.")
    if request.get("Containers"):
        raise invalid("Inference pipelines are not supported by the local cloud.")
    if not request.get("ExecutionRoleArn"):
        raise invalid("ExecutionRoleArn must be given.")
    container = request["PrimaryContainer"]
    if not container.get("Image"):
        raise invalid("PrimaryContainer.Image must be given.")
    if container.get("ModelDataUrl") and container.get("ModelDataSource"):
        raise invalid("ModelDataUrl and ModelDataSource are mutually exclusive.")
