"""The images: AWS's training image of each region, and our serving image built, named, or given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk.assertions import Match, Matcher

from domain.prices import TRAINING_USD_PER_HOUR
from domain.settings import TrainingSettings
from stacks.cdk_json import SettingsError
from stacks.images import training_image
from stacks.paths import ROOT
from tasks.settings import training
from tests.stacks.story import run
from tests.stacks.synth import Synthesized, synthesize

SERVER = "999988887777.dkr.ecr.us-east-1.amazonaws.com/team/serving@sha256:" + "a" * 64
TRAINER = "999988887777.dkr.ecr.us-east-1.amazonaws.com/team/training:2026-11"
OF_TEXT = training("text").aws_image
TAG = "huggingface-pytorch-training:2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "763104351884.dkr.ecr.us-east-1.amazonaws.com"),
        ("eu-south-1", "692866216735.dkr.ecr.eu-south-1.amazonaws.com"),
        ("cn-north-1", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_training_image_is_the_regions(region: str, host: str) -> None:
    assert training_image(region, OF_TEXT).uri == f"{host}/{TAG}"


def test_the_table_agrees_with_the_sdk() -> None:
    from sagemaker.core import image_uris

    found = image_uris.retrieve(
        "huggingface",
        "us-west-2",
        version="4.56.2",
        base_framework_version="pytorch2.8.0",
        py_version="py312",
        instance_type="ml.g4dn.xlarge",
        image_scope="training",
    )
    assert training_image("us-west-2", OF_TEXT).uri == found


def test_the_image_of_plain_pytorch_is_the_sdk_s_too() -> None:
    from sagemaker.core import image_uris

    plain = TrainingSettings.aws_image
    found = image_uris.retrieve(
        plain.framework,
        "us-west-2",
        version=plain.version,
        py_version="py312",
        instance_type=TrainingSettings().instance_type,
        image_scope="training",
    )
    assert training_image("us-west-2", plain).uri == found


def test_a_region_without_the_image_is_said() -> None:
    with pytest.raises(
        SettingsError, match=r"no huggingface 4.56.2 training image in mars-north-1; it does in .*us-east-1"
    ):
        training_image("mars-north-1", OF_TEXT)


@pytest.mark.parametrize("region", ["us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1"])
def test_a_region_of_an_isolated_partition_is_refused_by_name(
    region: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    with pytest.raises(SettingsError, match=f"{region} is a region of an isolated partition"):
        synthesize(tmp_path / "out")


def test_our_image_is_built_at_deploy_for_serverless(aws: Synthesized) -> None:
    assets = json.loads((aws.folder / "automate-mlops.assets.json").read_text())
    ((tag, image),) = assets["dockerImages"].items()
    source = image["source"]
    assert source["platform"] == "linux/amd64"
    # SageMaker refuses OCI manifests (amazon-sagemaker-feedback, issue 180), BuildKit's default (6824).
    assert source["dockerOutputs"] == ["type=docker,oci-mediatypes=false"]
    context = aws.folder / source["directory"]
    dockerfile = (context / source["dockerFile"]).read_text()
    assert dockerfile == (ROOT / "serving" / "Dockerfile").read_text()
    (task,) = source["dockerBuildArgs"].values()
    for line in dockerfile.replace("${TASK}", task).splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for path in line.split()[1:-1]:
                assert list(context.glob(path)), f"{path} is copied by the Dockerfile, but not in the build context"
    aws.template.has_resource_properties("Custom::ServerlessEndpoint", {"Image": Match.string_like_regexp(f":{tag}$")})


def test_the_local_cloud_needs_no_docker(local: Synthesized) -> None:
    assert json.loads((local.folder / "automate-mlops.assets.json").read_text()).get("dockerImages", {}) == {}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Both images named by the settings, and an on-demand cap below the price."""
    training = {"image": TRAINER, "on_demand_max_usd_per_hour": 0.5}
    return synthesize(
        tmp_path_factory.mktemp("given") / "out", overlay={"serving": {"image": SERVER}, "training": training}
    )


def pulls(repository: str | Matcher) -> dict[str, object]:
    """A policy that lets its role pull from it."""
    pull = {"Action": Match.array_with(["ecr:BatchGetImage"]), "Resource": repository}
    return {"PolicyDocument": {"Statement": Match.array_with([Match.object_like(pull)])}}


def test_a_given_image_is_what_serves_and_may_be_pulled(given: Synthesized) -> None:
    given.template.has_resource_properties("Custom::ServerlessEndpoint", {"Image": SERVER})
    endpoint = {"Roles": [Match.string_like_regexp("^EndpointRole")]}
    repository = "arn:aws:ecr:us-east-1:999988887777:repository/team/serving"
    given.template.has_resource_properties("AWS::IAM::Policy", {**endpoint, **pulls(repository)})


def test_a_given_training_image_is_what_jobs_run_in_and_may_pull(given: Synthesized) -> None:
    (made,) = run(given).asked["createTrainingJob.sync"]
    assert made["AlgorithmSpecification"]["TrainingImage"] == TRAINER
    repository = "arn:aws:ecr:us-east-1:999988887777:repository/team/training"
    training = {"Roles": [Match.string_like_regexp("^TrainingRole")]}
    given.template.has_resource_properties("AWS::IAM::Policy", {**training, **pulls(repository)})
    huggingface = pulls(Match.string_like_regexp("huggingface"))
    given.template.resource_properties_count_is("AWS::IAM::Policy", huggingface, 0)


def test_a_cap_below_the_price_allows_no_fallback(given: Synthesized) -> None:
    assert "TrainOnDemand" not in given.definition()["States"]


def test_a_cap_without_a_price_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    training = {"instance_type": "ml.p9.large", "on_demand_max_usd_per_hour": 1.0}
    assert "ml.p9.large" not in TRAINING_USD_PER_HOUR
    with pytest.raises(SettingsError, match=r"no price for ml\.p9\.large"):
        synthesize(tmp_path_factory.mktemp("price") / "out", overlay={"training": training})


def test_a_cap_where_prices_are_not_known_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(SettingsError, match="prices of us-east-1 and this deploys to eu-west-1"):
        synthesize(tmp_path_factory.mktemp("region") / "out", overlay={"training": {"on_demand_max_usd_per_hour": 2.0}})
