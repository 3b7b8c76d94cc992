"""Every place where something that a pipeline saw may come to lie, with what lies there, as text."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

from domain import layout
from tests.e2e.driver import Pipeline

Place = tuple[str, str]


def logs(pipeline: Pipeline) -> Iterator[Place]:
    """Every stream of every log group: functions, training jobs, endpoints, the state machine."""
    client = pipeline.client("logs")
    for group in _all(client, "describe_log_groups", "logGroups"):
        name = group["logGroupName"]
        for stream in _all(client, "describe_log_streams", "logStreams", logGroupName=name):
            at = {"logGroupName": name, "logStreamName": stream["logStreamName"]}
            events = client.get_log_events(**at, startFromHead=True, limit=10_000)["events"]
            yield f"{name} {stream['logStreamName']}", "\n".join(event["message"] for event in events)


def ledger(pipeline: Pipeline) -> Iterator[Place]:
    """Every item of the ledger."""
    table = pipeline.cloud.resource("dynamodb").Table(layout.ledger(pipeline.project))
    for item in table.scan()["Items"]:
        yield f"ledger {item['pk']} {item['sk']}", json.dumps(item, default=str, ensure_ascii=False)


def histories(pipeline: Pipeline) -> Iterator[Place]:
    """What every execution was given and gave, was caught at and failed with."""
    client = pipeline.client("stepfunctions")
    for arn in pipeline.all_executions():
        events = _all(client, "get_execution_history", "events", executionArn=arn)
        yield f"execution {arn}", _text([client.describe_execution(executionArn=arn), events])


def sagemaker(pipeline: Pipeline) -> Iterator[Place]:
    """What SageMaker shows of jobs, models, endpoints and the registry."""
    client = pipeline.client("sagemaker")
    for job in pipeline.jobs():
        yield f"job {job}", _text(client.describe_training_job(TrainingJobName=job))
    for endpoint in client.list_endpoints()["Endpoints"]:
        name = endpoint["EndpointName"]
        yield f"endpoint {name}", _text(client.describe_endpoint(EndpointName=name))
    for model in client.list_models()["Models"]:
        yield f"model {model['ModelName']}", _text(client.describe_model(ModelName=model["ModelName"]))
    for package in client.list_model_packages(ModelPackageGroupName=pipeline.project)["ModelPackageSummaryList"]:
        arn = package["ModelPackageArn"]
        yield f"registry {arn}", _text(client.describe_model_package(ModelPackageName=arn))


def dashboards(pipeline: Pipeline) -> Iterator[Place]:
    """Dashboards, alarms, and the names and dimensions of all metrics."""
    client = pipeline.client("cloudwatch")
    for entry in client.list_dashboards()["DashboardEntries"]:
        name = entry["DashboardName"]
        yield f"dashboard {name}", str(client.get_dashboard(DashboardName=name)["DashboardBody"])
    yield "alarms", _text(client.describe_alarms())
    yield "metrics", _text(client.list_metrics())


def queues(pipeline: Pipeline) -> Iterator[Place]:
    """All messages of every queue. They stay there, and are not given out again for a while: look once."""
    client = pipeline.client("sqs")
    for url in client.list_queues()["QueueUrls"]:
        found: list[str] = []
        while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found += [message["Body"] for message in messages]
        yield f"queue {url.rsplit('/', 1)[1]}", "\n".join(found)


def objects(pipeline: Pipeline) -> Iterator[Place]:
    """Every object of the bucket by its key, unpacked; what landed as it is."""
    for key in pipeline.keys(""):
        body = pipeline.client("s3").get_object(Bucket=pipeline.bucket, Key=key)["Body"].read()
        try:
            unpacked = _unpacked(key, body)
        except EOFError as error:
            raise AssertionError(f"{key} ends in its middle, after {len(body)} bytes") from error
        yield key, unpacked


def _unpacked(key: str, body: bytes) -> str:
    if key.startswith(layout.LANDING):
        return body.decode("latin-1")
    if key.endswith(".tar.gz"):
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            files = [tar.extractfile(member) for member in tar.getmembers()]
            return "\n".join(file.read().decode("latin-1") for file in files if file)
    return (gzip.decompress(body) if key.endswith(".gz") else body).decode("latin-1")


def _all(client: Any, operation: str, member: str, **arguments: str) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page[member]]


def _text(answer: object) -> str:
    return json.dumps(answer, default=str, ensure_ascii=False)
