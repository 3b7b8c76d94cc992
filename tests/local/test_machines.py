"""State machines on the local cloud: the SageMaker integrations, their errors, aborts, roles and Lambda errors."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from local.cloud import LocalCloud
from tests.local import builders

pytestmark = pytest.mark.slow

TRAIN = "arn:aws:states:::sagemaker:createTrainingJob.sync"
DESCRIBE = "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint"
EVERYTHING = builders.allow("sagemaker:*", "lambda:InvokeFunction", "iam:PassRole", "events:*")


def task(resource: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **fields}


def machine(cloud: LocalCloud, state: dict[str, Any], *statements: dict[str, Any]) -> str:
    """A machine of one JSONata task that catches everything into its output."""
    name = builders.unique("machine")
    definition = {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": state}}
    role = builders.role(cloud, name, *(statements or (EVERYTHING,)), service="states")
    arn: str = cloud.client("stepfunctions").create_state_machine(
        name=name, roleArn=role, definition=json.dumps(definition)
    )["stateMachineArn"]
    return arn


def run(cloud: LocalCloud, machine_arn: str) -> dict[str, Any]:
    states = cloud.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine_arn)["executionArn"]

    def look() -> dict[str, Any] | None:
        described: dict[str, Any] = states.describe_execution(executionArn=execution)
        return described if described["status"] != "RUNNING" else None

    described: dict[str, Any] = builders.eventually(look, "the execution ended")
    return described


def test_a_job_is_run_and_described(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = builders.unique("sync")
    request = builders.training_job(name, sagemaker_role, steps=1)
    done = run(small_cloud, machine(small_cloud, task(TRAIN, request)))
    assert done["status"] == "SUCCEEDED"
    output = json.loads(done["output"])
    assert output["TrainingJobStatus"] == "Completed"
    assert output["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"{name}/output/model.tar.gz")
    tags = small_cloud.client("sagemaker").list_tags(ResourceArn=output["TrainingJobArn"])["Tags"]
    assert {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in tags


def test_a_failed_job_is_a_failed_task_with_its_description(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    request = builders.training_job(builders.unique("sync"), sagemaker_role, mode="fail")
    done = run(small_cloud, machine(small_cloud, task(TRAIN, request)))
    assert (done["status"], done["error"]) == ("FAILED", "States.TaskFailed")
    assert "the labels are wrong" in json.loads(done["cause"])["FailureReason"]


def test_a_refused_job_has_the_services_error(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    request = builders.training_job("a_b", sagemaker_role)
    done = run(small_cloud, machine(small_cloud, task(TRAIN, request)))
    assert done["error"] == "SageMaker.AmazonSageMakerException"
    assert "Error Code: ValidationException" in done["cause"]


def test_a_missing_endpoint_is_named_after_the_service(small_cloud: LocalCloud) -> None:
    done = run(small_cloud, machine(small_cloud, task(DESCRIBE, {"EndpointName": "none"})))
    assert done["error"] == "SageMaker.SageMakerException"
    assert done["cause"].startswith('Could not find endpoint "arn:aws:sagemaker:')


@pytest.mark.parametrize(
    ("missing", "action"),
    [
        ("sagemaker:AddTags", "sagemaker:AddTags"),
        ("iam:PassRole", "iam:PassRole"),
        ("events:PutRule", "events:PutRule"),
    ],
)
def test_the_machines_role_is_enforced(small_cloud: LocalCloud, sagemaker_role: str, missing: str, action: str) -> None:
    denial = {"Effect": "Deny", "Action": [missing], "Resource": "*"}
    request = builders.training_job(builders.unique("denied"), sagemaker_role)
    done = run(small_cloud, machine(small_cloud, task(TRAIN, request), EVERYTHING, denial))
    assert done["status"] == "FAILED"
    assert f"is not authorized to perform: {action}" in done["cause"]


def test_stopping_the_execution_stops_the_job_and_stays_aborted(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = builders.unique("abort")
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    request = builders.training_job(name, sagemaker_role, steps=500)
    arn = machine(small_cloud, task(TRAIN, request, Retry=retry))
    states = small_cloud.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    builders.eventually(
        lambda: small_cloud.client("sagemaker").list_training_jobs(NameContains=name)["TrainingJobSummaries"]
    )
    builders.eventually(lambda: small_cloud.training_job(name)["pid"], "training runs")
    states.stop_execution(executionArn=execution, error="Test", cause="on purpose")
    assert builders.ended(small_cloud, name)["TrainingJobStatus"] == "Stopped"
    described = states.describe_execution(executionArn=execution)
    assert (described["status"], described["error"]) == ("ABORTED", "Test")


def function(cloud: LocalCloud, code: str) -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", code)
    name = builders.unique("function")
    role = builders.role(cloud, name, builders.allow("logs:*"), service="lambda")
    arn: str = cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Timeout=10,
        Code={"ZipFile": buffer.getvalue()},
    )["FunctionArn"]
    return arn


def test_a_lambda_error_has_its_class_name(small_cloud: LocalCloud) -> None:
    arn = function(
        small_cloud, "class EndpointBusy(Exception): pass\ndef handler(event, context): raise EndpointBusy('not now')\n"
    )
    state = task("arn:aws:states:::lambda:invoke", {"FunctionName": arn, "Payload": {}})
    done = run(small_cloud, machine(small_cloud, state))
    assert done["error"] == "EndpointBusy"
    assert json.loads(done["cause"])["errorMessage"] == "not now"


def test_a_function_that_is_itself_the_resource_is_asked_as_the_machines_role(small_cloud: LocalCloud) -> None:
    """So CDK's provider framework waits for a custom resource."""
    arn = function(small_cloud, "def handler(event, context): return event\n")
    may = builders.allow("lambda:InvokeFunction", resource=arn)
    may_not = builders.allow("lambda:InvokeFunction", resource=f"{arn}-other")
    done = run(small_cloud, machine(small_cloud, task(arn, {"asked": 1}), may))
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"asked": 1})
    done = run(small_cloud, machine(small_cloud, task(arn, {"asked": 1}), may_not))
    assert (done["status"], done["error"]) == ("FAILED", "Lambda.AWSLambdaException")


def test_a_function_that_is_killed_has_the_runtimes_error(small_cloud: LocalCloud) -> None:
    arn = function(small_cloud, "import os\ndef handler(event, context): os.kill(os.getpid(), 9)\n")
    state = task("arn:aws:states:::lambda:invoke", {"FunctionName": arn, "Payload": {}})
    assert run(small_cloud, machine(small_cloud, state))["error"] == "Runtime.ExitError"


def test_an_event_asks_its_function_again_if_it_fails(small_cloud: LocalCloud) -> None:
    code = "def handler(event, context):\n    print('asked', flush=True)\n    raise ValueError('not now')\n"
    arn, events, name = function(small_cloud, code), small_cloud.client("events"), builders.unique("rule")
    group = f"/aws/lambda/{arn.rsplit(':', 1)[-1]}"
    small_cloud.client("logs").create_log_group(logGroupName=group)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": arn}])
    events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": "{}"}])

    def asked() -> bool:
        return sum("asked" in line for line in builders.log_lines(small_cloud, group, "20")) == 3

    builders.eventually(asked, "the first try and two more")


def test_idle_lambda_workers_end_and_come_back(small_cloud: LocalCloud) -> None:
    arn = function(small_cloud, "import os\ndef handler(event, context): return os.getpid()\n")

    def invoke() -> int:
        return int(small_cloud.client("lambda").invoke(FunctionName=arn)["Payload"].read())

    worker = invoke()
    assert worker in small_cloud.processes()
    builders.eventually(lambda: worker not in small_cloud.processes(), "the idle worker is gone")
    assert invoke() != worker


def test_training_events_reach_a_rule(small_cloud: LocalCloud, sagemaker_role: str) -> None:
    name = builders.unique("event")
    sqs, events = small_cloud.client("sqs"), small_cloud.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {"TrainingJobName": [{"prefix": name}], "TrainingJobStatus": ["Completed"]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    statement = {**builders.allow("sqs:SendMessage", resource=arn), "Principal": {"Service": "events.amazonaws.com"}}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    small_cloud.client("sagemaker").create_training_job(**builders.training_job(name, sagemaker_role, steps=1))
    message = builders.eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))[0]
    detail = json.loads(message["Body"])["detail"]
    assert detail["SecondaryStatus"] == "Completed"
    assert detail["TrainingEndTime"] > 10**12
