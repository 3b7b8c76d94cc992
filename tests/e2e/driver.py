"""What the end-to-end tests do to a deployed pipeline, and what they ask of it: only through AWS's own APIs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError

from domain import layout
from domain.settings import Settings
from domain.state import Run
from ledger.ledger import Ledger
from local.cloud import ACCOUNT, REGION
from ops.deployment import partition_of
from tests.e2e.material import broken_file_of, features, file_of, said

Found = TypeVar("Found")
# Only a hang meets this; a slow machine must not.
DEADLINE_SECONDS = 600.0


class Cloud(Protocol):
    """Where a pipeline is deployed: the local cloud, or an account of AWS."""

    def client(self, service: str, **config: Any) -> Any: ...

    def resource(self, service: str) -> Any: ...


def listen(cloud: Cloud, project: str, name: str = "ears") -> str:
    """URL of a new queue that hears the project's notifications."""
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    queue = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    principal = {"Service": "sns.amazonaws.com"}
    speak = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [speak]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pages = sns.get_paginator("list_topics").paginate()
    topic = next(t["TopicArn"] for page in pages for t in page["Topics"] if project in t["TopicArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


@dataclass(eq=False)
class Pipeline:
    """One deployment of the stack: on the local cloud, unless account and region say otherwise."""

    cloud: Any
    settings: Settings
    bucket: str
    queue: str
    account: str = ACCOUNT
    region: str = REGION
    deadline: float = DEADLINE_SECONDS

    @cache  # noqa: B019  # one per test session; making a client costs more than most calls
    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    @property
    def project(self) -> str:
        return self.settings.project

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.cloud.resource("dynamodb").Table(layout.ledger(self.project)))

    @property
    def machine(self) -> str:
        partition = partition_of(self.region)
        name = layout.state_machine(self.project)
        return f"arn:{partition}:states:{self.region}:{self.account}:stateMachine:{name}"

    # ---- acting ------------------------------------------------------------------

    def drop(self, name: str, body: bytes) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=f"{layout.LANDING}{name}", Body=body)

    def drop_rows(self, name: str, rows: Sequence[tuple[str, str]], *, broken: bool = False) -> str:
        """Drop reviews as a file of the project's task, three of them `broken` if that is asked for; its whole name."""
        ending, body = (broken_file_of if broken else file_of)(rows, self.settings.task)
        self.drop(f"{name}{ending}", body)
        return f"{name}{ending}"

    def delete(self, name: str) -> None:
        self.client("s3").delete_object(Bucket=self.bucket, Key=f"{layout.LANDING}{name}")

    def delete_all(self, prefix: str) -> None:
        """Delete everything below `prefix`, in few calls, so that it makes one quiet period."""
        keys = self.keys(prefix)
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            self.client("s3").delete_objects(Bucket=self.bucket, Delete={"Objects": objects})

    def start(self, message: dict[str, object]) -> str:
        answer = self.client("stepfunctions").start_execution(stateMachineArn=self.machine, input=json.dumps(message))
        return str(answer["executionArn"])

    def predict(self, text: str) -> str:
        """The label of a review, as the model is asked by what its task has of it."""
        found = features(self.settings.task, text)
        # Several columns are a row by name.
        inputs = found if len(found) > 1 else next(iter(found.values()))
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.project, ContentType="application/json", Body=json.dumps({"inputs": inputs})
        )
        return said(self.settings.task, json.loads(answer["Body"].read())[0])

    # ---- asking --------------------------------------------------------------------

    def executions(self, status: str = "RUNNING") -> list[str]:
        found = self.client("stepfunctions").list_executions(stateMachineArn=self.machine, statusFilter=status)
        return [item["executionArn"] for item in found["executions"]]

    def all_executions(self) -> dict[str, dict[str, Any]]:
        """What Step Functions lists of every execution that ever was, by its ARN."""
        pages = self.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=self.machine)
        return {item["executionArn"]: item for page in pages for item in page["executions"]}

    def describe(self, execution: str) -> dict[str, Any]:
        described: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=execution)
        return described

    def states_of(self, execution: str) -> list[str]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def jobs(self, status: str | None = None) -> list[str]:
        arguments = {"StatusEquals": status} if status else {}
        found = self.client("sagemaker").list_training_jobs(NameContains=self.project, **arguments)
        return [job["TrainingJobName"] for job in found["TrainingJobSummaries"]]

    def training_process(self) -> int:
        """Process group of a training job that runs, once there is one."""

        def look() -> int | None:
            pids = (self.cloud.training_job(job)["pid"] for job in self.jobs("InProgress"))
            return next((pid for pid in pids if pid), None)

        return self.until("a training process", look)

    def endpoint(self) -> dict[str, Any] | None:
        try:
            described: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=self.project)
        except ClientError as error:
            if "ould not find" in str(error):
                return None
            raise
        return described

    def notifications(self) -> list[str]:
        """All messages published since the last call."""
        found: list[str] = []
        sqs = self.client("sqs")
        while True:
            answer = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            if not answer.get("Messages"):
                return found
            for message in answer["Messages"]:
                found.append(json.loads(message["Body"])["Message"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def read_json(self, key: str) -> Any:
        return json.loads(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    # ---- waiting -------------------------------------------------------------------

    def until(self, what: str, look: Callable[[], Found | None], *, pause: float = 0.5) -> Found:
        """The first truthy answer of `look`; fails the test with `what` at the deadline."""
        end = time.monotonic() + self.deadline
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(pause)
        raise AssertionError(f"waited {self.deadline:.0f} s for {what}; runs: {self.ledger.runs()}")

    def concluded(self, verdict: str, runs: int = 1) -> Run:
        """Wait until the newest of `runs` runs has ended, and for rest; it must have ended with `verdict`."""

        def look() -> Run | None:
            ended = [run for run in self.ledger.runs() if run.verdict]
            return ended[-1] if len(ended) >= runs else None

        run = self.until(f"{runs} concluded runs", look)
        self.rest()
        assert run.verdict == verdict, f"{run.verdict}: {run.sentence}"
        return run

    def rest(self, moment: float = 2.0) -> None:
        """Wait until nothing runs, nothing is claimed and that stays so for a moment (in seconds)."""
        calm_since: list[float] = []

        def calm() -> bool:
            if self.executions() or self.ledger.claimed_by():
                calm_since.clear()
                return False
            calm_since.append(time.monotonic())
            return time.monotonic() - calm_since[0] > moment

        self.until("rest", calm, pause=moment / 3)

    def until_in(self, state: str) -> str:
        """Wait until a running execution has come to `state`; its ARN."""

        def look() -> str | None:
            return next((one for one in self.executions() if state in self.states_of(one)), None)

        # States like Redeploy last a moment.
        return self.until(f"an execution in {state}", look, pause=0.05)
