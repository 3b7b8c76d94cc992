"""One project on the local cloud, as a deploy would leave it, and what the tests do to it through AWS's own APIs."""

from __future__ import annotations

import gzip
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from domain import layout
from domain.artifact import MANIFEST, sha256_file
from domain.state import Claim, Judgement, Run, Seal
from lambdas.dataset.pending import current_dataset, current_sources
from lambdas.environment import Environment
from lambdas.model import archives
from ledger.judgements import item_of
from local.cloud import ACCOUNT, REGION
from serving.artifact import extract
from tasks.settings import of_project

Found = TypeVar("Found")
Clients = Callable[[str], Any]
# Makes a run that has passed the gate: (run, artifact, execution, against=version).
Judge = Callable[..., Run]
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/image:1"
OVERLAY: dict[str, dict[str, Any]] = {
    "data": {"test_percent": 30, "validation_percent": 20, "min_train_rows": 10},
    "gate": {"min_accuracy": 0.4, "min_macro_f1": 0.2, "min_test_rows": 3, "min_label_test_rows": 1},
    "serving": {"image": IMAGE, "memory_mb": 1024},
}


def _told(name: str) -> str:
    return f"{{% $parse($states.input.reason).{name} %}}"


def _played(play: str) -> str:
    return f'{{% $contains($states.input.reason, \'"play": "{play}"\') %}}'


# What an execution does is in its reason: it holds, fails, or ends well.
MACHINE = {
    "QueryLanguage": "JSONata",
    "StartAt": "Play",
    "States": {
        "Play": {
            "Type": "Choice",
            "Choices": [
                {"Condition": _played("hold"), "Next": "Hold"},
                {"Condition": _played("fail"), "Next": "Break"},
            ],
            "Default": "End",
        },
        "Hold": {"Type": "Wait", "Seconds": 3600, "Next": "End"},
        "Break": {"Type": "Fail", "Error": _told("error"), "Cause": _told("cause")},
        "End": {"Type": "Pass", "Output": {"outcome": "done"}, "End": True},
    },
}
_numbers = itertools.count(1)


@dataclass
class Project:
    """A bucket, a ledger, a topic with a queue that hears it, and a state machine."""

    clients: Clients
    patch: pytest.MonkeyPatch
    name: str
    bucket: str
    machine: str
    queue: str
    role: str

    @classmethod
    def create(cls, clients: Clients, patch: pytest.MonkeyPatch, role: str, name: str | None = None) -> Project:
        """Make everything that the stacks make, under a name of its own, and the environment that the handlers read."""
        name = name or f"test-{next(_numbers)}"
        bucket, table = layout.bucket(name, ACCOUNT, REGION), layout.ledger(name)
        clients("s3").create_bucket(Bucket=bucket)
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        clients("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        )
        topic = clients("sns").create_topic(Name=name)["TopicArn"]
        sqs = clients("sqs")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        clients("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        machine = clients("stepfunctions").create_state_machine(
            name=layout.state_machine(name), definition=json.dumps(MACHINE), roleArn=role
        )["stateMachineArn"]
        project = cls(clients, patch, name, bucket, machine, queue, role)
        given = {
            "PROJECT": name,
            "BUCKET": bucket,
            "LEDGER": table,
            "STATE_MACHINE_ARN": machine,
            "TOPIC_ARN": topic,
            "ENDPOINT": layout.endpoint(name),
            "CODE_URI": f"s3://{bucket}/code/sourcedir.tar.gz",
            "CODE_HASH": "c0de",
            "TRAINING_IMAGE": IMAGE,
            "SERVING_IMAGE": IMAGE,
            "ENDPOINT_ROLE_ARN": role,
        }
        for key, value in given.items():
            patch.setenv(key, value)
        project.configure()
        return project

    def configure(self, task: str = "text", **sections: dict[str, Any]) -> None:
        """Deploy again with these settings over those of all tests."""
        merged: dict[str, Any] = {
            key: {**OVERLAY.get(key, {}), **sections.get(key, {})} for key in {*OVERLAY, *sections}
        }
        merged["task"] = task
        settings = of_project(merged).model_validate({"project": self.name, **merged})
        self.patch.setenv("SETTINGS", settings.model_dump_json())

    @property
    def env(self) -> Environment:
        return Environment.read()

    def client(self, service: str) -> Any:
        return self.clients(service)

    # ---- the bucket ----------------------------------------------------------------

    def drop(self, name: str, body: bytes | str) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=f"{layout.LANDING}{name}", Body=body)

    def delete(self, name: str) -> None:
        self.client("s3").delete_object(Bucket=self.bucket, Key=f"{layout.LANDING}{name}")

    def listed(self, prefix: str = "") -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        body: bytes = self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return gzip.decompress(body) if key.endswith(".gz") else body

    def json(self, key: str) -> Any:
        return json.loads(self.read(key))

    def contents(self, prefix: str = "") -> dict[str, bytes]:
        """Every object's bytes, as they are stored."""
        s3 = self.client("s3")
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in self.listed(prefix)}

    def seal(self, archive: Path) -> Seal:
        """Put a model's archive where Evaluate leaves what it judged; what it is known by."""
        with tempfile.TemporaryDirectory() as folder:
            manifest = sha256_file(extract(archive, Path(folder) / "model") / MANIFEST)
        seal = Seal(sha256_file(archive), manifest)
        archives.write(self.env, archive, seal.archive)
        return seal

    # ---- the machine and the claim ---------------------------------------------------

    def start(self, play: str = "hold", **message: object) -> str:
        """Start an execution that holds, fails (error=, cause=) or ends ("end"); returns when that is so.

        What it is to do is its reason, so that its input is the machine's message.
        """
        states = self.client("stepfunctions")
        told = {name: message.pop(name) for name in ("error", "cause") if name in message}
        message["reason"] = json.dumps({"play": play, "reason": message.get("reason", "test"), **told})
        arn: str = states.start_execution(stateMachineArn=self.machine, input=json.dumps(message))["executionArn"]
        if play != "hold":
            until(lambda: self.status(arn) != "RUNNING")
        return arn

    def status(self, execution: str) -> str:
        return str(self.client("stepfunctions").describe_execution(executionArn=execution)["status"])

    def executions(self) -> dict[str, dict[str, Any]]:
        """The input of every execution by its name."""
        states = self.client("stepfunctions")
        found = states.list_executions(stateMachineArn=self.machine)["executions"]
        return {
            item["name"]: json.loads(states.describe_execution(executionArn=item["executionArn"])["input"])
            for item in found
        }

    def claim(self) -> str:
        """A running execution that holds the claim."""
        execution = self.start()
        assert self.env.ledger.claim(execution, "now") == Claim(execution)
        return execution

    def run(self, execution: str, **fields: Any) -> Run:
        """A run on record."""
        values: dict[str, Any] = {"run": "0123456789ab", "dataset": "d0", "epoch": 1, "reason": "test", "started": "t1"}
        run = Run(**{**values, "execution": execution, **fields})
        self.env.ledger.save_run(run)
        return run

    def dataset(self, prepared: Mapping[str, Any]) -> str:
        """The dataset of the run that Prepare answered with; where it made none, the one that landing makes."""
        if prepared["run"]:
            return self.env.ledger.require_run(prepared["run"]).dataset
        return current_dataset(self.env, current_sources(self.env))

    def source_of(self, name: str) -> str:
        """The id that the content of a landed file is known by."""
        return next(one.source for one in current_sources(self.env) if one.key == f"{layout.LANDING}{name}")

    def judgement(self, run: Run, seal: Seal | None = None, **fields: Any) -> Judgement:
        """A judgement on record, as only Evaluate may write it: the gate let the run pass."""
        judgement = replace(passed(run, seal), **fields)
        self.env.ledger._items.write(item_of(judgement))
        return judgement

    def notifications(self) -> list[dict[str, str]]:
        """Subject and message of everything published since the last call."""
        sqs, found = self.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    # ---- SageMaker -------------------------------------------------------------------

    def train(self, job: str, seconds: float = 0) -> None:
        train(self.clients, self.role, self.bucket, job, seconds)

    def trained(self, job: str, status: str = "Completed") -> dict[str, Any]:
        return trained(self.clients, job, status)

    def endpoint(self, status: str) -> dict[str, Any]:
        """The description of the project's endpoint, once it has come to this status."""

        def look() -> dict[str, Any] | None:
            described: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=self.name)
            return described if described["EndpointStatus"] == status else None

        return until(look)


def passed(run: Run, seal: Seal | None = None) -> Judgement:
    """The judgement that a run passed the gate, with an archive of its own unless `seal` is given."""
    archive = Seal(layout.digest(["archive", run.run], 64), layout.digest(["manifest", run.run], 64))
    return Judgement(
        run.run, run.dataset, run.epoch, seal or archive, "promote", run.champion_version, package=run.package
    )


def train(clients: Clients, role: str, bucket: str, job: str, seconds: float) -> None:
    """Start a training job of the program in `training_container.py`, which runs so long."""
    clients("s3").put_object(Bucket=bucket, Key="code/sourcedir.tar.gz", Body=b"")
    clients("sagemaker").create_training_job(
        TrainingJobName=job,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={"seconds": json.dumps(seconds)},
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/{layout.MODELS}"},
        ResourceConfig={"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def trained(clients: Clients, job: str, status: str) -> dict[str, Any]:
    """The description of a training job, once it has come to this status."""

    def look() -> dict[str, Any] | None:
        described: dict[str, Any] = clients("sagemaker").describe_training_job(TrainingJobName=job)
        assert described["TrainingJobStatus"] != "Failed", described["FailureReason"]
        return described if described["TrainingJobStatus"] == status else None

    return until(look)


def until(look: Callable[[], Found | None], seconds: float = 90) -> Found:
    """The first truthy answer of `look`; fails at the deadline."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"never came true: {look}"
        time.sleep(0.05)
    return found


def reviews(rows: int, first: int = 0, *, flipped: bool = False) -> str:
    """A CSV of `rows` different texts, alternately labelled; `flipped` gives each the other's label."""
    labels = ("neg", "pos") if flipped else ("pos", "neg")
    lines = [f"review number {n},{labels[n % 2]}" for n in range(first, first + rows)]
    return "\n".join(["text,label", *lines, ""])
