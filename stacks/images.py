"""Which containers train and serve: AWS's training image of the task in the region, and our own serving image.

The settings may name another of each by its ECR URI.
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aws_cdk import Aws, Stack, Token
from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

from domain.settings import AwsImage
from stacks.cdk_json import SettingsError
from stacks.paths import ROOT, fingerprint, source_files, task_files, task_folder

AUTO: Final = "auto"
# What the builder is asked for. SageMaker refuses OCI manifests, which every exporter writes since BuildKit 0.31
# (Docker Engine 29.6) unless it is told otherwise. Attestations, which would wrap the manifest in an OCI index, are
# turned off by BUILDX_NO_DEFAULT_ATTESTATIONS=1 where `cdk deploy` runs.
OUTPUT: Final = "type=docker,oci-mediatypes=false"
_SHARED: Final = (
    "serving/Dockerfile",
    "serving/requirements.txt",
    "serving/unused.txt",
    "serving/*.py",
    "domain/__init__.py",
    "domain/artifact.py",
    *(f"domain/data/{name}.py" for name in ("__init__", "records", "spelling", "splits")),
)


@dataclass(frozen=True)
class Image:
    """A container image: its URI, and the ARN of the ECR repository that holds it."""

    uri: str
    repository_arn: str


def training_image(region: str, published: AwsImage, *, setting: str = AUTO) -> Image:
    """The image that AWS publishes in `region`, or the ECR URI that `setting` is.

    Raises SettingsError where AWS does not publish it, or where the region is not known at synth.
    """
    if Token.is_unresolved(region):
        raise SettingsError("The region must be known at synth: set AWS_REGION, or CDK_DEFAULT_REGION.")
    if setting != AUTO:
        return _from_uri(setting, _partition(region))
    framework, version, base, processor = published
    found = _table(framework)["training"]["versions"][version]
    entry = found[base] if base else found
    account = entry["registries"].get(region)
    if account is None:
        raise SettingsError(
            f"AWS publishes no {framework} {version} training image in {region}; "
            f"it does in {', '.join(sorted(entry['registries']))}. Elsewhere, set training.image to an ECR URI."
        )
    # What is published of HuggingFace is named by PyTorch's version first.
    names = [base.removeprefix("pytorch"), f"transformers{version}"] if base else [version]
    container = entry.get("container_version", {}).get(processor)
    tag = "-".join([*names, processor, entry["py_versions"][-1], *([container] if container else [])])
    return Image(
        uri=f"{account}.dkr.ecr.{region}.{_suffix(region)}/{entry['repository']}:{tag}",
        repository_arn=f"arn:{_partition(region)}:ecr:{region}:{account}:repository/{entry['repository']}",
    )


def serving_image(scope: Construct, construct_id: str, *, task: str, setting: str, local: bool) -> Image:
    """The image that serves: built from `serving/` at deploy, or the ECR URI that `setting` is.

    The local cloud runs the same code without an image, so there `build` needs no Docker: only a name that changes
    with the code.
    """
    stack = Stack.of(scope)
    if setting != "build":
        return _from_uri(setting, stack.partition)
    if local:
        tag = fingerprint(ROOT, [*source_files(ROOT / "serving"), *task_files(ROOT, task)])[:16]
        return _from_uri(f"{stack.account}.dkr.ecr.{stack.region}.{Aws.URL_SUFFIX}/serving:{tag}", stack.partition)
    asset = ecr_assets.DockerImageAsset(
        scope,
        construct_id,
        directory=str(ROOT),
        file="serving/Dockerfile",
        platform=ecr_assets.Platform.LINUX_AMD64,
        outputs=[OUTPUT],
        build_args={"TASK": task_folder(ROOT, task).name},
        exclude=["*", *(f"!{path}" for path in context(task))],
    )
    return Image(uri=asset.image_uri, repository_arn=asset.repository.repository_arn)


def context(task: str) -> list[str]:
    """What the Dockerfile reads and copies, as paths below the root: nothing else changes the image's tag."""
    shared = [path for pattern in _SHARED for path in sorted(ROOT.glob(pattern))]
    own = [*task_files(ROOT, task), *task_folder(ROOT, task).glob("requirements-predict.txt")]
    return [path.relative_to(ROOT).as_posix() for path in (*shared, *own)]


def _from_uri(uri: str, partition: str) -> Image:
    host, name = uri.split("/", 1)
    account, rest = host.split(".dkr.ecr.")
    region, repository = rest.split(".")[0], re.split(r"[:@]", name)[0]
    return Image(uri=uri, repository_arn=f"arn:{partition}:ecr:{region}:{account}:repository/{repository}")


def _table(framework: str) -> dict[str, Any]:
    """The SageMaker SDK's own table of a framework's images, read as package data: importing the SDK costs seconds."""
    spec = importlib.util.find_spec("sagemaker")
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError("sagemaker-core is not installed: run make setup.")
    for location in spec.submodule_search_locations:
        path = Path(location) / "core" / "image_uri_config" / f"{framework}.json"
        if path.is_file():
            table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return table
    raise SettingsError(f"sagemaker-core has no table of {framework} images: run make setup.")


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _partition(region: str) -> str:
    for prefix in ("cn", "us-gov"):
        if region.startswith(f"{prefix}-"):
            return f"aws-{prefix}"
    return "aws"
