"""Training jobs run AWS's own toolkit on a real script, and everything around it is the platform's."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from local.guard import members
from local.sagemaker.attempt import INHERITED
from local.sagemaker.container import Container
from local.sagemaker.image import PATH
from local.sagemaker.options import SPOT_PRICE_FRACTION
from tests.local import builders

pytestmark = pytest.mark.slow


def start(cloud: LocalCloud, request: dict[str, Any]) -> str:
    cloud.client("sagemaker").create_training_job(**request)
    return str(request["TrainingJobName"])


def model_of(cloud: LocalCloud, record: dict[str, Any]) -> dict[str, Any]:
    key = record["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{builders.BUCKET}/")
    content: dict[str, Any] = json.loads(builders.members(builders.get(cloud, key))["model.json"])
    return content


def step_reached(cloud: LocalCloud, name: str, step: int) -> None:
    """Wait for a checkpoint of that step or a later one in S3 (earlier ones are pruned)."""
    s3 = cloud.client("s3")

    def look() -> bool:
        listed = s3.list_objects_v2(Bucket=builders.BUCKET, Prefix=f"checkpoints/{name}/").get("Contents", [])
        return any(int(item["Key"].rpartition("/")[2].removesuffix(".step")) >= step for item in listed)

    builders.eventually(look, f"step {step} in S3")


def test_a_job_runs_through_the_toolkit(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = builders.unique("plain")
    builders.put(small_cloud, f"{name}/data/a.txt", "1")
    builders.put(small_cloud, f"{name}/data/deep/b.txt", "2")
    builders.put(small_cloud, f"{name}/parts/train/s1.jsonl.gz", "3")
    builders.put(small_cloud, f"{name}/parts/train/s2.jsonl.gz", "not listed")
    manifest = [{"prefix": f"s3://{builders.BUCKET}/{name}/"}, "parts/train/s1.jsonl.gz"]
    uri = builders.put(small_cloud, f"{name}/train.manifest", json.dumps(manifest))
    request = builders.training_job(name, sagemaker_role, steps=2, text="plain")
    request["InputDataConfig"] = [
        builders.channel("base", f"s3://{builders.BUCKET}/{name}/data/"),
        builders.channel("dataset", uri, "ManifestFile"),
    ]
    start(small_cloud, request)
    record = builders.ended(small_cloud, name)

    assert record["TrainingJobStatus"] == record["SecondaryStatus"] == "Completed"
    model = model_of(small_cloud, record)
    assert model["files"] == ["base/a.txt", "base/deep/b.txt", "dataset/parts/train/s1.jsonl.gz"]
    assert model["text"] == "plain"
    assert "curves.json" in builders.members(builders.get(small_cloud, f"models/{name}/output/output.tar.gz"))
    assert [item["Value"] for item in record["FinalMetricDataList"]] == [0.5]
    assert [item["Status"] for item in record["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert record["BillableTimeInSeconds"] == record["TrainingTimeInSeconds"] >= 1
    lines = builders.log_lines(small_cloud, "/aws/sagemaker/TrainingJobs", f"{name}/algo-1-")
    assert "step=2 loss=0.500" in lines
    # The script acts as the job's role: its key is a session's.
    assert f"identity ASIA {name}" in lines
    metrics = small_cloud.client("cloudwatch").list_metrics(
        Namespace="/aws/sagemaker/TrainingJobs", Dimensions=[{"Name": "TrainingJobName", "Value": name}]
    )["Metrics"]
    assert [metric["MetricName"] for metric in metrics] == ["loss"]


def test_a_value_goes_through_a_shell_as_in_aws_s_image(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    """The image's toolkit, 5.1.1, joins the command for one: a script that relies on less would fail on AWS."""
    name = builders.unique("shell")
    start(small_cloud, builders.training_job(name, sagemaker_role, steps=1, text='["$(echo executed)"]'))
    assert model_of(small_cloud, builders.ended(small_cloud, name))["text"] == "[executed]"


def test_a_job_has_sagemaker_s_environment_and_not_this_machine_s(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    """What only a laptop has (a user's home, tokens, settings of libraries, PYTHONPATH) must not help a job along."""
    name = builders.unique("environment")
    start(small_cloud, builders.training_job(name, sagemaker_role, steps=1))
    model = model_of(small_cloud, builders.ended(small_cloud, name))
    given = model["environment"]
    names = {*psutil.Process(small_cloud.pid).environ()}
    assert "LOCAL_SAGEMAKER_SERVE" in names
    theirs = {name for name in names if not name.startswith("AWS_")} - {*INHERITED}
    theirs -= {*Container(Path(), {}).environment(), "PATH"}
    assert given["PATH"].partition(":")[2] == PATH
    # A shell between sets these itself.
    assert not theirs & given.keys() - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert given["HOME"] != os.environ["HOME"]
    assert model["home"] == []
    assert "PIP_NO_INDEX" not in given


def test_a_failing_script_says_why(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = start(small_cloud, builders.training_job(builders.unique("fail"), sagemaker_role, mode="fail"))
    record = builders.ended(small_cloud, name)
    assert record["TrainingJobStatus"] == "Failed"
    assert "ExecuteUserScriptError" in record["FailureReason"]
    assert "the labels are wrong" in record["FailureReason"]
    assert len(record["FailureReason"]) <= 1024
    assert "ModelArtifacts" not in record


def test_a_missing_channel_fails_the_job(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    request = builders.training_job(builders.unique("missing"), sagemaker_role)
    request["InputDataConfig"] = [builders.channel("train", f"s3://{builders.BUCKET}/nothing-here/")]
    record = builders.ended(small_cloud, start(small_cloud, request))
    assert record["TrainingJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in record["FailureReason"]


def test_a_manifest_may_not_leave_the_channel(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    manifest = [{"prefix": f"s3://{builders.BUCKET}/a/"}, "../code.tar.gz"]
    uri = builders.put(small_cloud, "hostile.manifest", json.dumps(manifest))
    request = builders.training_job(builders.unique("hostile"), sagemaker_role)
    request["InputDataConfig"] = [builders.channel("train", uri, "ManifestFile")]
    record = builders.ended(small_cloud, start(small_cloud, request))
    assert "leaves the channel directory" in record["FailureReason"]


@pytest.mark.parametrize("how", ["control", "kill"])
def test_an_interrupted_spot_job_resumes_from_its_checkpoints(
    small_cloud: LocalCloud, sagemaker_role: str, how: str
) -> None:
    request = builders.training_job(builders.unique("spot"), sagemaker_role, spot=True, steps=6, hold=4)
    name = start(small_cloud, request)
    step_reached(small_cloud, name, 4)
    if how == "control":
        small_cloud.interrupt(name)
    else:
        os.kill(small_cloud.training_job(name)["pid"], signal.SIGKILL)
    record = builders.ended(small_cloud, name)
    assert record["TrainingJobStatus"] == "Completed"
    assert model_of(small_cloud, record)["start"] == 4
    statuses = [item["Status"] for item in record["SecondaryStatusTransitions"]]
    assert statuses[3:5] == ["Interrupted", "Starting"]
    assert small_cloud.training_job(name)["attempts"] == 2
    assert 0 < record["BillableTimeInSeconds"] <= record["TrainingTimeInSeconds"] * SPOT_PRICE_FRACTION + 1
    # What the script prunes is pruned in S3 too, as AWS documents.
    kept = small_cloud.client("s3").list_objects_v2(Bucket=builders.BUCKET, Prefix=f"checkpoints/{name}/")
    assert sorted(item["Key"].rpartition("/")[2] for item in kept["Contents"]) == ["5.step", "6.step"]


def test_an_on_demand_job_that_is_killed_has_failed(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = start(small_cloud, builders.training_job(builders.unique("killed"), sagemaker_role, steps=200))
    step_reached(small_cloud, name, 1)
    os.kill(small_cloud.training_job(name)["pid"], signal.SIGKILL)
    record = builders.ended(small_cloud, name)
    assert (record["TrainingJobStatus"], record["FailureReason"][-14:]) == ("Failed", "exit code: 137")


def test_stop_ends_the_script_too(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = start(small_cloud, builders.training_job(builders.unique("stop"), sagemaker_role, steps=500))
    step_reached(small_cloud, name, 1)
    group = small_cloud.training_job(name)["pid"]
    small_cloud.client("sagemaker").stop_training_job(TrainingJobName=name)
    record = builders.ended(small_cloud, name)
    assert record["TrainingJobStatus"] == record["SecondaryStatus"] == "Stopped"

    def gone() -> bool:
        return group not in {_group(pid) for pid in members(small_cloud.pid)}

    builders.eventually(gone, "the script has ended")


def _group(pid: int) -> int | None:
    """The process group of a process, or None once it has ended."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_max_runtime_ends_in_stopped(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    request = builders.training_job(builders.unique("long"), sagemaker_role, steps=500)
    request["StoppingCondition"]["MaxRuntimeInSeconds"] = 2
    record = builders.ended(small_cloud, start(small_cloud, request))
    assert (record["TrainingJobStatus"], record["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_the_role_of_the_job_is_enforced(small_cloud: LocalCloud) -> None:
    weak = builders.role(small_cloud, builders.unique("weak"), builders.allow("logs:*"))
    name = builders.unique("weak")
    builders.put(small_cloud, f"{name}/data/a.txt", "1")
    request = builders.training_job(name, weak)
    request["InputDataConfig"] = [builders.channel("train", f"s3://{builders.BUCKET}/{name}/data/")]
    record = builders.ended(small_cloud, start(small_cloud, request))
    assert record["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in record["FailureReason"]


def test_a_role_that_may_not_write_its_artifact_fails_the_job(small_cloud: LocalCloud) -> None:
    name = builders.unique("reads")
    role = builders.role(small_cloud, name, builders.allow("s3:GetObject", "s3:ListBucket", "logs:*"))
    small_cloud.client("sagemaker").create_training_job(**builders.training_job(name, role, steps=1))
    described = builders.ended(small_cloud, name)
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: ")
    assert "not authorized to perform: s3:PutObject" in described["FailureReason"]


def test_names_are_used_once(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    request = builders.training_job(builders.unique("twice"), sagemaker_role, steps=1)
    start(small_cloud, request)
    with pytest.raises(ClientError) as refused:
        start(small_cloud, request)
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"
    builders.ended(small_cloud, request["TrainingJobName"])
