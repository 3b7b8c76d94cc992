"""Endpoints run a real server per deployment: blue/green, honest failure, scale to zero, throttling, errors."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from local.sagemaker import image
from tests.local import builders
from tests.local.conftest import SETTINGS

pytestmark = pytest.mark.slow

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/serving:local"


def config(cloud: LocalCloud, role: str, *, concurrency: int = 2, provisioned: int = 0, **behaviour: Any) -> str:
    """A model and a configuration whose server behaves like that; the configuration's name."""
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": concurrency}
    if provisioned:
        serverless["ProvisionedConcurrency"] = provisioned
    name = builders.unique("config")
    uri = builders.put(
        cloud, f"artifacts/{name}.tar.gz", builders.tarball({"behaviour.json": json.dumps(behaviour).encode()})
    )
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": uri, "Environment": {"MODE": "test"}},
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": name,
                "ServerlessConfig": serverless,
            }
        ],
    )
    return name


def endpoint(cloud: LocalCloud, config_name: str) -> str:
    name = builders.unique("endpoint")
    cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config_name)
    builders.settled(cloud, name)
    return name


def test_the_accounts_concurrency_is_a_quota_and_an_update_takes_it_up_twice(tmp_path: Path) -> None:
    settings = {**SETTINGS, "LOCAL_SAGEMAKER_SERVERLESS_CONCURRENCY": "10"}
    with LocalCloud(tmp_path / "cloud", settings=settings).start() as cloud:
        cloud.client("s3").create_bucket(Bucket=builders.BUCKET)
        role, sagemaker = builders.role(cloud, "sagemaker", builders.allow("*")), cloud.client("sagemaker")
        live = endpoint(cloud, config(cloud, role, concurrency=4, answer="one"))
        other = endpoint(cloud, config(cloud, role, concurrency=2, answer="two"))
        five = config(cloud, role, concurrency=5, answer="five")
        with pytest.raises(
            ClientError, match=r"'Maximum total concurrency .*' is 10, .* of 6 .* delta of 5"
        ) as refused:
            sagemaker.create_endpoint(EndpointName="third", EndpointConfigName=five)
        assert refused.value.response["Error"]["Code"] == "ResourceLimitExceeded"
        with pytest.raises(ClientError, match="utilization of 6 and a request delta of 5"):
            sagemaker.update_endpoint(EndpointName=live, EndpointConfigName=five)
        assert sagemaker.describe_endpoint(EndpointName=live)["EndpointStatus"] == "InService"
        # What fails takes nothing up in the end.
        sagemaker.update_endpoint(EndpointName=live, EndpointConfigName=config(cloud, role, concurrency=4, ping=500))
        assert "ping health check" in builders.settled(cloud, live)["FailureReason"]
        go = tmp_path / "go"
        slow = config(cloud, role, concurrency=4, answer="three", wait_for=str(go))
        sagemaker.update_endpoint(EndpointName=live, EndpointConfigName=slow)
        one = config(cloud, role, concurrency=1, answer="four")
        with pytest.raises(ClientError, match="utilization of 10 and a request delta of 1"):
            sagemaker.create_endpoint(EndpointName="third", EndpointConfigName=one)
        go.touch()
        assert builders.settled(cloud, live)["EndpointConfigName"] == slow
        sagemaker.delete_endpoint(EndpointName=other)
        builders.eventually(lambda: len(sagemaker.list_endpoints()["Endpoints"]) == 1, "it is gone")
        endpoint(cloud, config(cloud, role, concurrency=6, answer="six"))


def invoke(cloud: LocalCloud, name: str, body: bytes = b"hello") -> Any:
    runtime = cloud.client("sagemaker-runtime", retries={"total_max_attempts": 1})
    return runtime.invoke_endpoint(EndpointName=name, ContentType="text/plain", Body=body)


def answer(cloud: LocalCloud, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(invoke(cloud, name)["Body"].read())
    return content


def statistics(cloud: LocalCloud, name: str, metric: str, *, samples: int) -> list[dict[str, Any]]:
    """The data points of a serverless metric, in the unit that AWS has for it, once there are so many samples."""
    unit = "Count" if metric == "Invocations" else "Microseconds"
    dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
    now = datetime.now(UTC)
    points: list[dict[str, Any]] = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum", "SampleCount"],
        Unit=unit,
    )["Datapoints"]
    return points if sum(point["SampleCount"] for point in points) >= samples else []


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_endpoint_answers_with_what_sagemaker_lets_through(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    # Warm, or it might go to rest before its process is looked for.
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="a", provisioned=1))
    response = invoke(small_cloud, name)
    content = json.loads(response["Body"].read())
    assert content.pop("pid") in small_cloud.processes()
    assert content == {"answer": "a", "echo": "hello", "mode": "test", "key": "ASIA"}
    assert response["ContentType"] == "application/json"
    assert response["CustomAttributes"] == "model=1"
    assert response["InvokedProductionVariant"] == "AllTraffic"
    assert "x-secret" not in response["ResponseMetadata"]["HTTPHeaders"]
    metrics = builders.eventually(
        lambda: small_cloud.client("cloudwatch").list_metrics(
            Namespace="AWS/SageMaker", Dimensions=[{"Name": "EndpointName", "Value": name}]
        )["Metrics"]
    )
    assert {"Invocations", "ModelLatency", "OverheadLatency"} <= {metric["MetricName"] for metric in metrics}
    lines = builders.eventually(lambda: builders.log_lines(small_cloud, f"/aws/sagemaker/Endpoints/{name}", "All"))
    assert lines[0].startswith("serving")


def test_a_server_finds_what_the_image_has_and_nothing_of_this_machine(
    small_cloud: LocalCloud, sagemaker_role: str
) -> None:
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="a", tell=True))
    found = answer(small_cloud, name)["environment"]
    # Python itself adds a locale where there is none.
    others = {variable for variable in found if not variable.startswith("AWS_")} - {"LC_CTYPE"}
    assert others == {*image.of_image(), "PATH", "MODE"}
    assert {key for key in found if key.startswith("AWS_")} >= {"AWS_SESSION_TOKEN", "AWS_REGION"}
    assert found["HOME"] == found["TMPDIR"] != os.environ.get("HOME")
    for variable in ("ORT_DISABLE_TELEMETRY", "OMP_NUM_THREADS", "PYTHONSAFEPATH", "GLIBC_TUNABLES"):
        assert found[variable] == image.of_image()[variable]


def test_a_server_is_told_before_it_is_killed(small_cloud: LocalCloud, sagemaker_role: str, tmp_path: Path) -> None:
    last_words = tmp_path / "told"
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="a", last_words=str(last_words)))
    small_cloud.client("sagemaker").delete_endpoint(EndpointName=name)
    builders.eventually(last_words.exists, "the server had its time to say something")


def test_an_update_swaps_and_the_old_server_goes(small_cloud: LocalCloud, sagemaker_role: str, tmp_path: Path) -> None:
    go = tmp_path / "go"
    old = config(small_cloud, sagemaker_role, answer="old")
    new = config(small_cloud, sagemaker_role, answer="new", wait_for=str(go))
    name = endpoint(small_cloud, old)
    before = small_cloud.server_pid(name)
    small_cloud.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=new)
    assert answer(small_cloud, name)["answer"] == "old"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        small_cloud.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=old)
    go.touch()
    record = builders.settled(small_cloud, name)
    assert (record["EndpointStatus"], record["EndpointConfigName"]) == ("InService", new)
    assert answer(small_cloud, name)["answer"] == "new"
    builders.eventually(lambda: before not in small_cloud.processes(), "the old server is gone")


def test_a_failed_update_leaves_the_old_one_serving(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    good = config(small_cloud, sagemaker_role, answer="good")
    bad = config(small_cloud, sagemaker_role, answer="bad", ping=503)
    name = endpoint(small_cloud, good)
    small_cloud.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=bad)
    assert answer(small_cloud, name)["answer"] == "good"
    record = builders.settled(small_cloud, name)
    assert (record["EndpointStatus"], record["EndpointConfigName"]) == ("InService", good)
    assert "did not pass the ping health check" in record["FailureReason"]
    assert answer(small_cloud, name)["answer"] == "good"


def test_a_new_endpoint_that_does_not_come_up_is_failed(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, nothing="KeyError at the first request", ping=500))
    sagemaker = small_cloud.client("sagemaker")
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Failed"
    other = config(small_cloud, sagemaker_role, answer="b")
    with pytest.raises(ClientError, match="Failed"):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=other)
    sagemaker.delete_endpoint(EndpointName=name)


def test_it_scales_to_zero_and_comes_back(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="back"))
    first = answer(small_cloud, name)["pid"]
    builders.eventually(lambda: small_cloud.server_pid(name) is None, "scaled to zero")
    assert first not in small_cloud.processes()
    assert answer(small_cloud, name)["pid"] != first
    # The second request was cold, and its setup time is part of its overhead.
    overhead = builders.eventually(lambda: statistics(small_cloud, name, "OverheadLatency", samples=2))
    setup = builders.eventually(lambda: statistics(small_cloud, name, "ModelSetupTime", samples=1))
    assert 0 < max(point["Maximum"] for point in setup) <= max(point["Maximum"] for point in overhead)


def test_provisioned_concurrency_keeps_the_server_warm(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    warm = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="warm", provisioned=1))
    pid = answer(small_cloud, warm)["pid"]
    # One that was asked later and has gone to rest shows that the idle time is over.
    other = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="cold"))
    answer(small_cloud, other)
    builders.eventually(lambda: small_cloud.server_pid(other) is None, "scaled to zero")
    assert answer(small_cloud, warm)["pid"] == pid
    builders.eventually(lambda: statistics(small_cloud, warm, "Invocations", samples=2))
    assert statistics(small_cloud, warm, "ModelSetupTime", samples=0) == []


def test_above_its_concurrency_it_throttles(small_cloud: LocalCloud, sagemaker_role: str, tmp_path: Path) -> None:
    name = endpoint(
        small_cloud, config(small_cloud, sagemaker_role, answer="held", hold_in=str(tmp_path), concurrency=1)
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(answer, small_cloud, name)
        builders.eventually((tmp_path / "asked").exists, "the first request is being answered")
        for _ in range(2):
            with pytest.raises(ClientError) as error:
                invoke(small_cloud, name)
            assert code(error) == "ThrottlingException"
        (tmp_path / "go").touch()
        assert first.result()["answer"] == "held"


def test_a_client_that_retries_gets_through_when_there_is_room_again(
    small_cloud: LocalCloud, sagemaker_role: str, tmp_path: Path
) -> None:
    name = endpoint(
        small_cloud, config(small_cloud, sagemaker_role, answer="held", hold_in=str(tmp_path), concurrency=1)
    )
    patient = small_cloud.client("sagemaker-runtime", retries={"total_max_attempts": 10, "mode": "standard"})
    # There is room as soon as the patient client was refused for the first time.
    patient.meta.events.register(
        "response-received.sagemaker-runtime.InvokeEndpoint", lambda **_: (tmp_path / "go").touch()
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(answer, small_cloud, name)
        builders.eventually((tmp_path / "asked").exists, "the first request is being answered")
        response = patient.invoke_endpoint(EndpointName=name, ContentType="text/plain", Body=b"hello")
        assert response["ResponseMetadata"]["RetryAttempts"] > 0
        assert first.result()["answer"] == "held"


@pytest.mark.parametrize("status", [400, 500])
def test_what_the_container_refuses_is_a_model_error(small_cloud: LocalCloud, sagemaker_role: str, status: int) -> None:
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="no", status=status))
    with pytest.raises(ClientError) as error:
        invoke(small_cloud, name)
    assert code(error) == "ModelError"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert error.value.response["OriginalStatusCode"] == status
    assert "no" in error.value.response["OriginalMessage"]


def test_missing_and_deleted_endpoints(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    sagemaker = small_cloud.client("sagemaker")
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="x"))
    pid = small_cloud.server_pid(name)
    sagemaker.delete_endpoint(EndpointName=name)

    def gone() -> bool:
        try:
            sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as error:
            return str(error.response["Error"]["Message"]).startswith('Could not find endpoint "arn:aws:sagemaker:')
        return False

    builders.eventually(gone)
    assert pid not in small_cloud.processes()
    with pytest.raises(ClientError) as error:
        invoke(small_cloud, name)
    assert code(error) == "ValidationError"


def test_a_payload_above_four_megabytes_is_refused(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = endpoint(small_cloud, config(small_cloud, sagemaker_role, answer="x"))
    with pytest.raises(ClientError) as error:
        invoke(small_cloud, name, b"x" * (4 * 2**20 + 1))
    assert code(error) == "ValidationError"
