"""Credentials and region: who asks, where, and whether AWS has there what the pipeline is made of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, UnknownRegionError

from domain.settings import Settings
from ops.deployment import aws_session
from ops.doctor.finding import Finding, Level, is_refusal, unknown
from ops.doctor.surroundings import PATIENCE

AREA: Final = "account"
_LOG_IN: Final = (
    "export AWS_PROFILE=… (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), then: aws sts get-caller-identity"
)
_SERVICES: Final = {"sagemaker": "SageMaker", "stepfunctions": "Step Functions", "ecr": "ECR", "lambda": "Lambda"}


def who() -> tuple[Finding, str | None, boto3.session.Session | None]:
    """The finding about the credentials; the account, None if it is not known; and a session, if there can be one."""
    try:
        session = aws_session()
    except BotoCoreError as error:  # a profile that does not exist, a configuration that cannot be read
        return (
            Finding(AREA, "credentials", Level.WRONG, f"AWS's configuration cannot be used: {error}", _LOG_IN),
            None,
            None,
        )
    # STS answers everywhere; that no region is chosen is a finding of its own.
    sts = session.client("sts", region_name=session.region_name or "us-east-1", config=PATIENCE)
    try:
        said = sts.get_caller_identity()
    except NoCredentialsError:
        return Finding(AREA, "credentials", Level.WRONG, "There are no AWS credentials.", _LOG_IN), None, session
    except ClientError as error:
        if is_refusal(error):
            return unknown(AREA, "credentials", error), None, session
        code = error.response["Error"]["Code"]
        sentence = f"AWS does not accept the credentials ({code})."
        return Finding(AREA, "credentials", Level.WRONG, sentence, _LOG_IN), None, session
    except BotoCoreError as error:
        return unknown(AREA, "credentials", error), None, session
    sentence = f"Account {said['Account']}, as {said['Arn']}."
    return Finding(AREA, "credentials", Level.FINE, sentence), str(said["Account"]), session


def region(name: str | None, settings: Settings) -> Iterator[Finding]:
    """Whether a region is chosen, whether its services are known, and whether AWS's training image is there."""
    if not name:
        yield Finding(AREA, "region", Level.WRONG, "No AWS region is chosen.", "export AWS_REGION=us-east-1")
        return
    try:
        missing = [label for service, label in _SERVICES.items() if not _offered(service, name)]
    except UnknownRegionError:
        yield Finding(AREA, "region", Level.WRONG, f"{name} is no region of AWS.", "export AWS_REGION=us-east-1")
        return
    if missing:
        yield Finding(
            AREA, "region", Level.WARNING,
            f"This botocore knows no {' and no '.join(missing)} in {name}; it may be older than the region.",
            "export AWS_REGION=us-east-1, or another region that has them",
        )  # fmt: skip
    else:
        yield Finding(AREA, "region", Level.FINE, f"{name}; SageMaker, Step Functions, ECR and Lambda are there.")
    yield _training_image(name, settings)


def _offered(service: str, region: str) -> bool:
    session = boto3.session.Session()
    partition = session.get_partition_for_region(region)
    return region in session.get_available_regions(service, partition_name=partition)


def _training_image(region: str, settings: Settings) -> Finding:
    chosen = settings.training.model_dump().get("image", "auto")
    if chosen != "auto":
        return Finding(AREA, "training image", Level.FINE, f"training.image names it: {chosen}")
    if shutil.which("node") is None:
        sentence = "Not known: the table of AWS's images is read with the CDK, which needs Node."
        return Finding(AREA, "training image", Level.WARNING, sentence, "make setup")
    # Only here: importing the CDK takes seconds, and a Node process.
    from stacks.cdk_json import SettingsError
    from stacks.images import training_image

    try:
        image = training_image(region, settings.training.aws_image)
    except SettingsError as error:
        return Finding(AREA, "training image", Level.WRONG, str(error), "export AWS_REGION=us-east-1, or one of these")
    return Finding(AREA, "training image", Level.FINE, f"AWS publishes it in {region}: {image.uri.rpartition('/')[2]}")
