"""The model registry: each judged candidate is a version of the project's ModelPackageGroup, with its receipt.

The group is made here and not by CloudFormation, like the endpoint: it holds what was made at run time, and goes with
the stack (`lambdas/events/deploy.py`).
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from domain import layout
from domain.errors import NotRegistered
from domain.gate.types import Decision
from domain.measures import BY_KEY
from domain.state import Judgement, Run
from lambdas.environment import Environment
from lambdas.model import archives

APPROVED: Final = "Approved"
PENDING: Final = "PendingManualApproval"
REJECTED: Final = "Rejected"
# What the endpoint speaks: tasks/formats.py, which the light functions do not carry. A test holds the two equal.
MEDIA_TYPES: Final = ("application/json", "application/jsonlines", "text/csv", "text/plain")
# With these a service asks to be left alone for a while; what it says with another code it means.
_TROUBLE: Final = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|^5\d\d$")


class Version(NamedTuple):
    """A version as it is now, with what it says: its run, its archive's URI, and whether it is approved."""

    run: str | None
    artifact: str | None
    status: str | None


def register(env: Environment, run: Run, judgement: Judgement, decision: Decision, status: str) -> str:
    """The ARN of the version that a judged archive is, created with `status` if it is not there yet.

    Raises NotRegistered if the registry refuses; one that is in trouble may be asked again.
    """
    try:
        return _create(env, run, judgement, decision, status)
    except ClientError as error:
        answer = error.response
        if _TROUBLE.search(answer["Error"]["Code"]) or answer["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise
        raise NotRegistered(str(error)) from error


def _create(env: Environment, run: Run, judgement: Judgement, decision: Decision, status: str) -> str:
    _ensure_group(env)
    receipt = layout.s3_uri(env.bucket, layout.run_file(run.run, "receipt.json"))
    answer = env.client("sagemaker").create_model_package(
        ModelPackageGroupName=layout.package_group(env.project),
        InferenceSpecification={
            "Containers": [{"Image": env.serving_image, "ModelDataUrl": archives.uri(env, judgement.seal.archive)}],
            "SupportedContentTypes": list(MEDIA_TYPES),
            "SupportedResponseMIMETypes": list(MEDIA_TYPES),
        },
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": receipt}}},
        ModelApprovalStatus=status,
        CustomerMetadataProperties={
            "run": run.run,
            "dataset": run.dataset,
            "sha256": judgement.seal.archive,
            "verdict": decision.verdict,
            **{key: BY_KEY[key].shown(value) for key, value in decision.candidate.values.items()},
        },
        # Judged against the same champion it is the same version, if a first try's answer was lost.
        ClientToken=layout.digest([run.run, judgement.seal.archive, judgement.champion_version], 32),
    )
    return str(answer["ModelPackageArn"])


def version(env: Environment, package: str) -> Version | None:
    """A version (an ARN) as it is now: an event may be late. None if it is gone.

    The run is what the version says: after a teardown a new group counts its versions from 1 again.
    """
    described = _found(env, "describe_model_package", ModelPackageName=package)
    if described is None:
        return None
    containers = described.get("InferenceSpecification", {}).get("Containers") or [{}]
    return Version(
        run=described.get("CustomerMetadataProperties", {}).get("run"),
        artifact=containers[0].get("ModelDataUrl"),
        status=described.get("ModelApprovalStatus"),
    )


def remove(env: Environment) -> bool:
    """Delete the group with its versions; whether there was something to delete or to wait for."""
    group = layout.package_group(env.project)
    if _found(env, "describe_model_package_group", ModelPackageGroupName=group) is None:
        return False
    sagemaker = env.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    # What is being deleted already is in conflict with being deleted.
    with suppress(sagemaker.exceptions.ConflictException):
        for package in [item["ModelPackageArn"] for page in pages for item in page["ModelPackageSummaryList"]]:
            _found(env, "delete_model_package", ModelPackageName=package)
        _found(env, "delete_model_package_group", ModelPackageGroupName=group)
    return True


def _ensure_group(env: Environment) -> None:
    group = layout.package_group(env.project)
    if _found(env, "describe_model_package_group", ModelPackageGroupName=group) is None:
        try:
            env.client("sagemaker").create_model_package_group(
                ModelPackageGroupName=group,
                ModelPackageGroupDescription=f"Candidates of {env.project}",
                # Its versions have the group's tags, and may be given none of their own.
                Tags=env.tags,
            )
        except ClientError as error:
            if "already exists" not in str(error):  # another try of ours was quicker
                raise


def _found(env: Environment, operation: str, **names: str) -> dict[str, Any] | None:
    """The answer of an operation on something by name, or None if it is not there (any more)."""
    try:
        answer: dict[str, Any] = getattr(env.client("sagemaker"), operation)(**names)
    except ClientError as error:
        # SageMaker has no modelled error for this; which words it uses is not confirmed, so both are known.
        if any(words in str(error) for words in ("does not exist", "ould not find")):
            return None
        raise
    return answer
