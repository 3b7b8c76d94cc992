"""CloudFormation on the local cloud, where 1.5.33 needs help: imports, dead-letter queues, logs of what is deleted."""

from __future__ import annotations

import json
import time
from typing import Any

from local.cloud import LocalCloud
from tests.local import builders

CODE = """
import json, time, urllib.request
def handler(event, context):
    print("custom", event["RequestType"])
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer.update(Status="SUCCESS", PhysicalResourceId="custom")
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
    time.sleep(0.5)
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
        StackName=stack, ChangeSetName="c", ChangeSetType="CREATE", ImportExistingResources=True,
        TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_IAM"])
    builders.eventually(lambda: formation.describe_change_set(StackName=stack, ChangeSetName="c")["Status"]
                        == "CREATE_COMPLETE", "the change set")
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
    role = builders.role(small_cloud, stack, builders.allow("logs:*"), service="lambda")
    group = f"/aws/lambda/{stack}"
    deploy(small_cloud, stack, {
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group}},
        "Function": {"Type": "AWS::Lambda::Function", "DependsOn": "Logs", "Properties": {
            "FunctionName": stack, "Runtime": "python3.13", "Handler": "index.handler", "Role": role,
            "Code": {"ZipFile": CODE}, "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}}},
        "Custom": {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}},
    })
    function = small_cloud.client("lambda").get_function_configuration(FunctionName=stack)
    assert ":sqs:" in function["DeadLetterConfig"]["TargetArn"]
    builders.eventually(lambda: "custom Create" in " ".join(builders.log_lines(small_cloud, group, "20")))
    destroy(small_cloud, stack)
    # The function answered CloudFormation before it ended, so its log comes after everything is deleted.
    time.sleep(2)
    groups = small_cloud.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert groups == []
