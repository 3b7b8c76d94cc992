"""CloudFormation on the local cloud, where 1.5.33 needs help: imports, dead-letter queues, logs of what is deleted."""

from __future__ import annotations

import json
import time
from typing import Any

from local.cloud import LocalCloud
from tests.local import builders

ANSWER = """
import json, time, urllib.request
def handler(event, context):
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**answer, "Status": "SUCCESS", "PhysicalResourceId": "custom"}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
    time.sleep(0.5)
"""
ASK = """
import boto3, json
def handler(event, context):
    name = context.function_name + "-answer"
    boto3.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
"""


def finished(cloud: LocalCloud, stack: str, status: str) -> None:
    formation = cloud.client("cloudformation")

    def look() -> bool:
        found = [item for item in formation.list_stacks()["StackSummaries"] if item["StackName"] == stack]
        assert "ROLLBACK" not in found[0]["StackStatus"], formation.describe_stack_events(StackName=stack)
        return bool(found[0]["StackStatus"] == status)

    builders.eventually(look, f"{stack} {status}")


def deploy(cloud: LocalCloud, stack: str, resources: dict[str, Any]) -> None:
    formation = cloud.client("cloudformation")
    formation.create_change_set(
        StackName=stack,
        ChangeSetName="c",
        ChangeSetType="CREATE",
        ImportExistingResources=True,
        TemplateBody=json.dumps({"Resources": resources}),
        Capabilities=["CAPABILITY_IAM"],
    )
    builders.eventually(
        lambda: formation.describe_change_set(StackName=stack, ChangeSetName="c")["Status"] == "CREATE_COMPLETE",
        "the change set",
    )
    formation.execute_change_set(StackName=stack, ChangeSetName="c")
    finished(cloud, stack, "CREATE_COMPLETE")


def destroy(cloud: LocalCloud, stack: str) -> None:
    cloud.client("cloudformation").delete_stack(StackName=stack)
    finished(cloud, stack, "DELETE_COMPLETE")


def test_a_retained_bucket_is_taken_up_again(small_cloud: LocalCloud) -> None:
    stack, s3 = builders.unique("kept"), small_cloud.client("s3")
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": stack}}
    deploy(small_cloud, stack, {"Data": bucket})
    s3.put_object(Bucket=stack, Key="kept", Body=b"1")
    destroy(small_cloud, stack)
    deploy(small_cloud, stack, {"Data": bucket})
    assert s3.get_object(Bucket=stack, Key="kept")["Body"].read() == b"1"


def test_functions_keep_their_dead_letter_queue_and_leave_no_logs(small_cloud: LocalCloud) -> None:
    stack = builders.unique("functions")
    role = builders.role(small_cloud, stack, builders.allow("logs:*", "lambda:InvokeFunction"), service="lambda")

    def function(name: str, code: str) -> dict[str, Any]:
        properties = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": role,
            "Timeout": 30,
            "Code": {"ZipFile": code},
            "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}},
        }
        return {"Type": "AWS::Lambda::Function", "DependsOn": "Logs", "Properties": properties}

    group = f"/aws/lambda/{stack}-answer"
    custom = {"ServiceToken": {"Fn::GetAtt": ["Ask", "Arn"]}}
    resources = {
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group}},
        "Ask": function(stack, ASK),
        "Answer": function(f"{stack}-answer", ANSWER),
        "Custom": {"Type": "Custom::Thing", "DependsOn": "Answer", "Properties": custom},
    }
    deploy(small_cloud, stack, resources)
    configuration = small_cloud.client("lambda").get_function_configuration(FunctionName=stack)
    assert ":sqs:" in configuration["DeadLetterConfig"]["TargetArn"]
    builders.eventually(lambda: builders.log_lines(small_cloud, group, "20"), "the answer's log")
    asked = {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": stack}]}
    events = small_cloud.client("cloudtrail").lookup_events(**asked)["Events"]
    assert [event["EventName"] for event in events] == ["Invoke"], "CloudTrail knows the function by its name"
    destroy(small_cloud, stack)
    # The function answered CloudFormation before it ended, so its log comes after everything is deleted.
    time.sleep(2)
    assert small_cloud.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
