"""The doctor on a deployed stack with a live model: nothing is wrong, and each fault that is put in is found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from domain import layout
from ops.doctor.examination import Stage, examine
from ops.doctor.finding import Finding, Level
from tests.e2e.driver import Pipeline
from tests.e2e.material import as_csv, reviews


@pytest.fixture
def asked(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """The pipeline, and an environment that leads to it."""
    for name, value in pipeline.cloud.environment().items():
        monkeypatch.setenv(name, value)
    yield pipeline
    pipeline.client("cloudwatch").set_alarm_state(
        AlarmName=f"{pipeline.project}-Slow", StateValue="OK", StateReason="the test is over"
    )


def found(pipeline: Pipeline) -> dict[str, Finding]:
    """What the doctor says of the stack and the live model."""
    said = examine(pipeline.project, pipeline.settings, Stage.ALL)
    return {one.name: one for one in said if one.area in ("stack", "live model")}


def wrong(pipeline: Pipeline) -> list[str]:
    return [name for name, one in found(pipeline).items() if one.level is Level.WRONG]


def test_each_fault_of_a_deployed_stack_is_found(asked: Pipeline) -> None:
    before = found(asked)
    assert {one.level for one in before.values()} <= {Level.FINE, Level.WARNING}
    assert before["endpoint"].sentence == "No model was promoted yet."
    asked.drop("first.csv", as_csv(reviews(400, seed=1)))
    run = asked.concluded("promote")
    assert wrong(asked) == []
    assert found(asked)["endpoint"].sentence.startswith(f"It serves run {run.run}")

    cloudwatch = asked.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=f"{asked.project}-Slow", StateValue="ALARM", StateReason="by hand")
    assert wrong(asked) == ["alarms"]
    assert f"{asked.project}-Slow" in found(asked)["alarms"].fix
    cloudwatch.set_alarm_state(AlarmName=f"{asked.project}-Slow", StateValue="OK", StateReason="by hand")

    sqs = asked.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"{asked.project}-dead-letters")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="{}")
    assert wrong(asked) == ["dead letters"]
    sqs.purge_queue(QueueUrl=queue)

    # Somebody updates the endpoint by hand, to the same model, served otherwise.
    sagemaker, name = asked.client("sagemaker"), asked.project
    live = asked.endpoint()
    assert live is not None
    config = live["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    # One request at a time is what a rehearsal is made of.
    serverless = {**variant["ServerlessConfig"], "MaxConcurrency": 2}
    other = layout.endpoint_config(variant["ModelName"], serverless)
    for made in ("changed-by-hand", other):
        sagemaker.create_endpoint_config(
            EndpointConfigName=made, ProductionVariants=[{**variant, "ServerlessConfig": serverless}]
        )
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=made)
        asked.until("the update", partial(_is_served, asked, made))
        assert wrong(asked) == ["endpoint"]
    assert "with other settings" in found(asked)["endpoint"].sentence

    sagemaker.delete_endpoint(EndpointName=name)
    asked.until("no endpoint", lambda: asked.endpoint() is None)
    gone = found(asked)["endpoint"]
    assert (gone.level, "There is no endpoint" in gone.sentence) == (Level.WRONG, True)

    # What it says to type brings the promoted model back.
    asked.start({"reason": "by hand", "from": "Settle"})
    asked.until("the endpoint", lambda: _serves(asked) == config)
    asked.rest()
    assert wrong(asked) == []


def test_what_was_changed_by_hand_and_no_deploy_brings_back(asked: Pipeline) -> None:
    s3, dynamodb, bucket, table = (
        asked.client("s3"),
        asked.client("dynamodb"),
        asked.bucket,
        f"{asked.project}-ledger",
    )
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    for name, change, back in (
        (
            "events",
            lambda: s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={}),
            lambda: s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            ),
        ),
        (
            "versions",
            lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
            lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}),
        ),
        (
            "lifecycle",
            lambda: s3.delete_bucket_lifecycle(Bucket=bucket),
            lambda: s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules}),
        ),
        ("recovery", lambda: _recovery(dynamodb, table, on=False), lambda: _recovery(dynamodb, table, on=True)),
        ("expiry", lambda: _expiry(dynamodb, table, on=False), lambda: _expiry(dynamodb, table, on=True)),
    ):
        assert kept(asked)[name].level is Level.FINE
        change()
        assert kept(asked)[name].level is not Level.FINE
        assert bucket in kept(asked)[name].fix or table in kept(asked)[name].fix
        back()
    assert {one.level for one in kept(asked).values()} == {Level.FINE}


def test_settings_that_were_not_deployed_yet(asked: Pipeline) -> None:
    serving = asked.settings.serving.model_copy(update={"memory_mb": 3072})
    changed = asked.settings.model_copy(update={"serving": serving})
    said = {one.name: one for one in examine(asked.project, changed, Stage.ALL) if one.area == "live model"}
    assert said["settings"].level is Level.WARNING
    assert "serving.memory_mb" in said["settings"].sentence
    assert said["settings"].fix == "make deploy"


def kept(pipeline: Pipeline) -> dict[str, Finding]:
    """What the doctor says of what outlives the stack."""
    said = examine(pipeline.project, pipeline.settings, Stage.ALL)
    return {one.name: one for one in said if one.area == "bucket and ledger"}


def _recovery(dynamodb: Any, table: str, *, on: bool) -> None:
    specification = {"PointInTimeRecoveryEnabled": on}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)


def _expiry(dynamodb: Any, table: str, *, on: bool) -> None:
    specification = {"Enabled": on, "AttributeName": "expires"}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def _is_served(asked: Pipeline, config: str) -> bool:
    return _serves(asked) == config


def _serves(pipeline: Pipeline) -> str:
    endpoint = pipeline.endpoint()
    return endpoint["EndpointConfigName"] if endpoint and endpoint["EndpointStatus"] == "InService" else ""
