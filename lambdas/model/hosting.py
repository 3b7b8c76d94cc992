"""The Serverless endpoints and what they are made of: created, converged, pruned, removed. Each call may be repeated.

There are two: the live one, and for the minutes of a deployment the rehearsal's.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from domain import layout
from domain.artifact import MANIFEST_SHA256
from domain.errors import AccountLimitReached, EndpointBusy
from domain.state import Seal
from lambdas.environment import Environment, NotYetAllowed

_PASSING = ('ould not find model "', "ould not find endpoint", "already exist", "in-progress")
_NOT_ASSUMABLE = "ould not assume role"
_IN_FLIGHT = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def describe_endpoint(env: Environment, endpoint: str) -> dict[str, Any] | None:
    """An endpoint's description, or None if there is no endpoint of that name."""
    return _found(env, "describe_endpoint", EndpointName=endpoint)


def config_name(env: Environment, run: str, seal: Seal) -> str:
    """Name of the EndpointConfig that serves a run's archive live with the current settings and image."""
    return layout.endpoint_config(_model(env, run, seal), _serverless(env, rehearsal=False))


def _model(env: Environment, run: str, seal: Seal) -> str:
    return layout.deployment(env.project, run, seal.archive, seal.manifest, env.serving_image)


def ensure_config(env: Environment, run: str, seal: Seal, *, rehearsal: bool = False) -> str:
    """Name of the EndpointConfig that serves a run's archive with the current settings, created if need be.

    The server is told what the manifest must be: it never sees the archive.
    """
    model = _model(env, run, seal)
    if not _found(env, "describe_model", ModelName=model):
        container = {
            "Image": env.serving_image,
            "ModelDataUrl": layout.s3_uri(env.bucket, layout.released(seal.archive)),
            "Environment": {MANIFEST_SHA256: seal.manifest},
        }
        _ask(
            env,
            "create_model",
            ModelName=model,
            ExecutionRoleArn=env.endpoint_role_arn,
            PrimaryContainer=container,
            Tags=env.tags,
        )
    serverless = _serverless(env, rehearsal=rehearsal)
    config = layout.endpoint_config(model, serverless)
    if not _found(env, "describe_endpoint_config", EndpointConfigName=config):
        variant = {"VariantName": layout.VARIANT, "ModelName": model, "ServerlessConfig": serverless}
        _ask(env, "create_endpoint_config", EndpointConfigName=config, ProductionVariants=[variant], Tags=env.tags)
    return config


def _serverless(env: Environment, *, rehearsal: bool) -> dict[str, int]:
    """A variant's ServerlessConfig. A rehearsal takes one request at a time, and keeps nothing warm, which costs."""
    serving = env.settings.serving
    concurrency = 1 if rehearsal else serving.max_concurrency
    serverless = {"MemorySizeInMB": serving.memory_mb, "MaxConcurrency": concurrency}
    if serving.provisioned_concurrency and not rehearsal:
        serverless["ProvisionedConcurrency"] = serving.provisioned_concurrency
    return serverless


def converge(env: Environment, name: str, config: str) -> None:
    """Set the endpoint `name` on its way to `config`, unless that is live. Raises EndpointBusy, AccountLimitReached."""
    endpoint = describe_endpoint(env, name)
    if endpoint is None:
        _ask(env, "create_endpoint", EndpointName=name, EndpointConfigName=config, Tags=env.tags)
        return
    status = endpoint["EndpointStatus"]
    if status in _IN_FLIGHT:
        heading = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        heading = heading or (endpoint["EndpointConfigName"] if status == "Creating" else None)
        if heading != config:
            raise EndpointBusy(f"endpoint {name} is {status}")
        return
    if status == "Failed":
        # A failed endpoint allows nothing but its deletion.
        _found(env, "delete_endpoint", EndpointName=name)
        raise EndpointBusy(f"endpoint {name} had failed and is being deleted")
    if endpoint["EndpointConfigName"] != config:
        _ask(env, "update_endpoint", EndpointName=name, EndpointConfigName=config)


def remove_endpoint(env: Environment, name: str) -> bool:
    """Delete an endpoint; whether there was one. Raises EndpointBusy while it is changing."""
    endpoint = describe_endpoint(env, name)
    if endpoint is None:
        return False
    if endpoint["EndpointStatus"] in _IN_FLIGHT:
        raise EndpointBusy(f"endpoint {name} is {endpoint['EndpointStatus']}")
    _found(env, "delete_endpoint", EndpointName=name)
    return True


def end_rehearsal(env: Environment) -> None:
    """Delete the rehearsal's endpoint; one that is still changing is left to the next who asks. It serves nobody."""
    with suppress(EndpointBusy):
        remove_endpoint(env, env.rehearsal)


def prune(env: Environment, keep: set[str]) -> None:
    """Delete this project's configs and models of runs not in `keep`; what an endpoint uses is never touched."""
    for endpoint in filter(None, (describe_endpoint(env, name) for name in (env.endpoint, env.rehearsal))):
        heading = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        used = {layout.deployed_run(env.project, name) for name in (endpoint["EndpointConfigName"], heading) if name}
        keep = keep | {run for run in used if run and endpoint["EndpointStatus"] != "Deleting"}
    for config in _names(env, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"):
        if layout.deployed_run(env.project, config) not in keep:
            _found(env, "delete_endpoint_config", EndpointConfigName=config)
    for model in _names(env, "list_models", "Models", "ModelName"):
        if layout.deployed_run(env.project, model) not in keep:
            _found(env, "delete_model", ModelName=model)


def _names(env: Environment, operation: str, listing: str, name: str) -> list[str]:
    pages = env.client("sagemaker").get_paginator(operation).paginate(NameContains=f"{env.project}-")
    found = [item[name] for page in pages for item in page[listing]]
    return [item for item in found if layout.deployed_run(env.project, item)]


def _ask(env: Environment, operation: str, **arguments: Any) -> None:
    """Create or update something.

    Raises EndpointBusy where the same request may succeed a moment later, AccountLimitReached, and NotYetAllowed for a
    role that SageMaker cannot assume: IAM may not have told it yet.
    """
    try:
        getattr(env.client("sagemaker"), operation)(**arguments)
    except ClientError as error:
        code, said = error.response["Error"]["Code"], str(error)
        if code == "ResourceLimitExceeded":
            raise AccountLimitReached(said) from error
        # What was just created may not be seen yet; another try of ours may have been quicker; or it is changing.
        if code == "ValidationException" and any(text in said for text in _PASSING):
            raise EndpointBusy(said) from error
        if code == "ValidationException" and _NOT_ASSUMABLE in said:
            raise NotYetAllowed(error.response, operation) from error
        raise


def _found(env: Environment, operation: str, **names: str) -> dict[str, Any] | None:
    """The answer of an operation on something by name, or None if it is not there (any more)."""
    try:
        answer: dict[str, Any] = getattr(env.client("sagemaker"), operation)(**names)
    except ClientError as error:
        # SageMaker has no modelled error for this: it says ValidationException and "Could not find …".
        if error.response["Error"]["Code"] == "ValidationException" and "ould not find" in str(error):
            return None
        raise
    return answer
