"""The request that the Train state makes: botocore's model, and the rules between fields that no model states."""

from __future__ import annotations

import re
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from tasks.settings import training
from tests.stacks.story import run
from tests.stacks.synth import PROJECT, Synthesized

# The published limits of CreateTrainingJob (API Reference): botocore checks types and required fields only.
JOB_NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


def requests(synthesized: Synthesized) -> list[dict[str, Any]]:
    """What the machine asks of CreateTrainingJob in a run that trains."""
    return run(synthesized).asked["createTrainingJob.sync"]


@pytest.fixture(params=["aws", "local", "on_demand"])
def request_made(request: pytest.FixtureRequest) -> dict[str, Any]:
    (made,) = requests(request.getfixturevalue(request.param))
    return made


def test_botocores_model_accepts_it(request_made: dict[str, Any]) -> None:
    description = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    shape = botocore.model.ServiceModel(description).operation_model("CreateTrainingJob").input_shape
    report = botocore.validate.ParamValidator().validate(request_made, shape)
    assert not report.has_errors(), report.generate_report()


def test_the_name_is_one_that_sagemaker_takes(request_made: dict[str, Any]) -> None:
    assert re.fullmatch(JOB_NAME, request_made["TrainingJobName"])
    # The longest project and every suffix that the machine can add.
    assert len(f"{'p' * 20}-{'0' * 12}-99-od-r4-d9") <= 63


def test_spot_waits_at_least_as_long_as_it_runs(request_made: dict[str, Any]) -> None:
    stopping = request_made["StoppingCondition"]
    assert request_made["EnableManagedSpotTraining"] is True
    assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"] > 0
    assert request_made["CheckpointConfig"] == {
        "S3Uri": "s3://b/checkpoints/r/",
        "LocalPath": "/opt/ml/checkpoints",
    }


def test_hyperparameters_are_texts_and_within_their_limits(request_made: dict[str, Any]) -> None:
    assert len(request_made["HyperParameters"]) <= 100
    for name, value in request_made["HyperParameters"].items():
        assert isinstance(value, str)
        assert len(name) <= 256
        assert len(value) <= 2500


def test_metric_definitions_can_be_read_by_sagemaker(request_made: dict[str, Any]) -> None:
    definitions = request_made["AlgorithmSpecification"]["MetricDefinitions"]
    assert 0 < len(definitions) <= 40
    for definition in definitions:
        assert len(definition["Name"]) <= 255
        assert len(definition["Regex"]) <= 500
        assert re.compile(definition["Regex"]).groups == 1


def test_channels_are_manifests_in_file_mode(request_made: dict[str, Any]) -> None:
    channels = {channel["ChannelName"]: channel for channel in request_made["InputDataConfig"]}
    for name in ("train", "validation", "dataset"):
        source = channels[name]["DataSource"]["S3DataSource"]
        assert source["S3DataType"] == "ManifestFile"
        assert source["S3Uri"].endswith(f"/{name}.manifest")
        assert channels[name]["InputMode"] == "File"


def test_no_volume_key_on_instances_with_local_disks(request_made: dict[str, Any]) -> None:
    """SageMaker refuses a VolumeKmsKeyId for g4dn, whose disk is its own (ResourceConfig, API Reference)."""
    assert "VolumeKmsKeyId" not in request_made["ResourceConfig"]
    assert "KeepAlivePeriodInSeconds" not in request_made["ResourceConfig"]


def test_a_model_for_serverless_is_one_tarball(request_made: dict[str, Any]) -> None:
    """Serverless endpoints take no uncompressed model (ContainerDefinition, API Reference): GZIP is the default."""
    assert request_made["OutputDataConfig"].keys() == {"S3OutputPath"}


def test_what_runs_is_what_the_settings_say(aws: Synthesized) -> None:
    (request,) = requests(aws)
    settings = training("text")()
    assert request["ResourceConfig"]["InstanceType"] == settings.instance_type
    assert request["StoppingCondition"]["MaxRuntimeInSeconds"] == settings.max_run_seconds
    assert request["Tags"] == [{"Key": "project", "Value": PROJECT}]
    assert request["AlgorithmSpecification"]["TrainingImage"] == (
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:"
        "2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04"
    )
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["train", "validation", "dataset"]


def test_base_weights_in_s3_are_a_channel(on_demand: Synthesized) -> None:
    (request,) = requests(on_demand)
    channel = request["InputDataConfig"][-1]
    assert channel["ChannelName"] == "base"
    # A string prefix: without the slash at its end, s3://weights/mini2/ would come along.
    assert channel["DataSource"]["S3DataSource"] == {
        "S3DataType": "S3Prefix",
        "S3Uri": "s3://weights/mini/",
        "S3DataDistributionType": "FullyReplicated",
    }


def test_several_instances_start_by_the_images_launcher(on_demand: Synthesized) -> None:
    (request,) = requests(on_demand)
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert request["HyperParameters"]["sagemaker_torch_distributed_enabled"] == "true"
    assert request["HyperParameters"]["sagemaker_instance_type"] == '"ml.g4dn.xlarge"'
    assert request["HyperParameters"]["epochs"] == "1"
    assert request["EnableInterContainerTrafficEncryption"] is True
