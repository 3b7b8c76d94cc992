"""What must hold for the deployed resources, whatever else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from aws_cdk import CfnResource, TagManager
from aws_cdk.assertions import Annotations, Capture, Match
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from domain import layout
from domain.settings import Settings
from stacks.cdk_json import SettingsError, parse
from tests.stacks.synth import ACCOUNT, PROJECT, REGION, Synthesized, synthesize

KEPT: Final = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
OURS: Final = {"FunctionName": Match.string_like_regexp(f"^{PROJECT}-")}
TOPIC: Final = f"arn:aws:sns:{REGION}:{ACCOUNT}:{PROJECT}-notices"
DEAD_LETTERS: Final = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PROJECT}-dead-letters"


def test_the_bucket_is_private_encrypted_versioned_and_kept(aws: Synthesized) -> None:
    aws.template.resource_count_is("AWS::S3::Bucket", 1)
    aws.template.has_resource(
        "AWS::S3::Bucket",
        {
            **KEPT,
            "Properties": {
                "BucketName": f"{PROJECT}-data-{ACCOUNT}-{REGION}",
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": Match.object_equals({"SSEAlgorithm": "AES256"})}
                    ]
                },
                "VersioningConfiguration": {"Status": "Enabled"},
                "NotificationConfiguration": Match.object_equals(
                    {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
                ),
            },
        },
    )


def test_only_checkpoints_and_what_was_overwritten_or_deleted_expire(aws: Synthesized) -> None:
    everything = {
        "Prefix": Match.absent(),
        "ExpirationInDays": Match.absent(),
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    }
    rules = Match.array_equals(
        [
            Match.object_like({"Id": "overwritten-and-deleted-objects", **everything}),
            Match.object_like({"Id": "checkpoints", "Prefix": layout.CHECKPOINTS, "ExpirationInDays": 14}),
            Match.object_equals(
                {
                    "Id": "unfinished-uploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
                }
            ),
        ]
    )
    aws.template.has_resource_properties("AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": rules}})


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"])
def test_nothing_is_reachable_without_tls(aws: Synthesized, kind: str) -> None:
    denied = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    aws.template.resource_count_is(kind, 1)
    aws.template.has_resource_properties(
        kind, {"PolicyDocument": {"Statement": Match.array_with([Match.object_like(denied)])}}
    )


def test_the_ledger_is_on_demand_recoverable_and_kept(aws: Synthesized) -> None:
    aws.template.resource_count_is("AWS::DynamoDB::Table", 1)
    aws.template.has_resource(
        "AWS::DynamoDB::Table",
        {
            **KEPT,
            "Properties": {
                "TableName": f"{PROJECT}-ledger",
                "BillingMode": "PAY_PER_REQUEST",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            },
        },
    )


def test_every_log_group_ends(aws: Synthesized) -> None:
    aws.template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": 30})
    aws.template.has_resource_properties("AWS::Logs::LogGroup", {"LogGroupName": f"/aws/sagemaker/Endpoints/{PROJECT}"})


def test_functions_stay_within_lambdas_limits(aws: Synthesized) -> None:
    python = {**OURS, "Runtime": "python3.13", "Architectures": ["x86_64"]}
    aws.template.resource_properties_count_is("AWS::Lambda::Function", OURS, 17)
    aws.template.resource_properties_count_is("AWS::Lambda::Function", python, 17)
    ours = [
        r["Properties"] for r in aws.template.find_resources("AWS::Lambda::Function", {"Properties": OURS}).values()
    ]
    for function in ours:
        # Lambda allows 900 s; 3,008 MB is what a new account gets.
        assert function["Timeout"] <= 900
        assert function["MemorySize"] <= 3008
        variables = function["Environment"]["Variables"]
        assert sum(len(name) + len(value) for name, value in variables.items()) < 4096
        assert Settings.model_validate_json(variables["SETTINGS"]).project == PROJECT
    assert len({function["Code"]["S3Key"] for function in ours}) == 2


def test_what_predicts_in_a_function_reports_to_nobody(aws: Synthesized) -> None:
    quiet = {"Environment": {"Variables": {"ORT_DISABLE_TELEMETRY": "1"}}}
    aws.template.resource_properties_count_is("AWS::Lambda::Function", quiet, 3)
    for name in ("screen", "evaluate", "adopt"):
        aws.template.has_resource_properties("AWS::Lambda::Function", {"FunctionName": f"{PROJECT}-{name}", **quiet})


def test_the_largest_settings_fit_in_whatever_alphabet(tmp_path: Path) -> None:
    name = "a2345678901234567890"
    overlays = [
        {"project": name, "data": {"labels": [f"ярлык номер {number}" for number in range(count)]}}
        for count in range(2, 150)
    ]
    largest = max((overlay for overlay in overlays if fits(overlay)), key=lambda overlay: len(json.dumps(overlay)))
    functions = synthesize(tmp_path / "out", overlay=largest).of_type("AWS::Lambda::Function").values()
    variables = [f["Environment"]["Variables"] for f in functions if f.get("FunctionName", "").startswith(f"{name}-")]
    sizes = [sum(len(f"{key}{value}".encode()) for key, value in each.items()) for each in variables]
    assert 3_500 < max(sizes) < 4096


def fits(settings: dict[str, Any]) -> bool:
    try:
        parse(settings)
    except SettingsError:
        return False
    return True


def test_alarms_are_few_single_metric_and_quiet_without_data(aws: Synthesized) -> None:
    aws.template.resource_count_is("AWS::CloudWatch::Alarm", 7)
    aws.template.all_resources_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Metrics": Match.absent(),
            "TreatMissingData": "notBreaching",
            # Reconcile tells of a failed execution, and once is enough.
            "Namespace": Match.not_("AWS/States"),
            "AlarmActions": [TOPIC],
        },
    )


def test_alarms_of_this_account_alone_may_publish(aws: Synthesized) -> None:
    alarms = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    statements = Match.array_equals([Match.object_like({"Effect": "Deny"}), Match.object_like(alarms)])
    aws.template.has_resource_properties("AWS::SNS::TopicPolicy", {"PolicyDocument": {"Statement": statements}})


def test_no_event_is_lost_or_handed_on_changed(aws: Synthesized) -> None:
    target = {
        "DeadLetterConfig": {"Arn": DEAD_LETTERS},
        "RetryPolicy": {"MaximumRetryAttempts": 24},
        "InputTransformer": Match.absent(),
    }
    aws.template.resource_count_is("AWS::Events::Rule", 6)
    aws.template.all_resources_properties(
        "AWS::Events::Rule", {"Targets": Match.array_equals([Match.object_like(target)])}
    )


def test_rules_start_the_machine_with_constant_inputs(aws: Synthesized) -> None:
    machine = {"Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{PROJECT}-pipeline"}
    aws.template.resource_properties_count_is("AWS::Events::Rule", {"Targets": [Match.object_like(machine)]}, 3)
    for reason in ("delete", "drop", "sweep"):
        started = {**machine, "Input": Match.serialized_json(Match.object_equals({"reason": reason, "from": "Settle"}))}
        aws.template.has_resource_properties("AWS::Events::Rule", {"Targets": [Match.object_like(started)]})


def test_only_landing_starts_a_run(aws: Synthesized) -> None:
    aws.template.resource_properties_count_is("AWS::Events::Rule", {"EventPattern": {"source": ["aws.s3"]}}, 2)
    for kind in ("Object Created", "Object Deleted"):
        landing = {
            "source": ["aws.s3"],
            "detail-type": [kind],
            "detail": {
                "bucket": {"name": [f"{PROJECT}-data-{ACCOUNT}-{REGION}"]},
                "object": {"key": [{"prefix": "landing/"}]},
            },
        }
        aws.template.has_resource_properties("AWS::Events::Rule", {"EventPattern": Match.object_equals(landing)})


def test_teardown_finds_everything_it_needs(aws: Synthesized) -> None:
    """CloudFormation deletes in reverse order of dependency: the custom resource goes before what it uses."""
    resources = aws.written["Resources"]
    (name,) = aws.template.find_resources("Custom::ServerlessEndpoint")
    needs = set(resources[name]["DependsOn"])
    must = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    for key, resource in resources.items():
        ours = resource["Type"] == "AWS::Lambda::Function" and key.startswith("Functions")
        rights = resource["Type"] == "AWS::IAM::Policy" and key.startswith(("Functions", "PipelineMachine", "Endpoint"))
        machine = key.startswith("PipelineMachine") and resource["Type"] == "AWS::StepFunctions::StateMachine"
        if (resource["Type"] in must or ours or rights or machine) and "Provider" not in key:
            assert key in needs, f"{key} would be deleted before the endpoint"
    starts = [key for key in resources if key.startswith("Triggers")]
    assert len(starts) == 3
    assert all(name in resources[key]["DependsOn"] for key in starts)


def test_the_custom_resource_changes_with_the_serving_settings(aws: Synthesized, on_demand: Synthesized) -> None:
    def serving(synthesized: Synthesized) -> str:
        digest = Capture()
        synthesized.template.has_resource_properties("Custom::ServerlessEndpoint", {"Serving": digest})
        return digest.as_string()

    assert serving(aws) == layout.digest(Settings().serving.model_dump(mode="json"))
    assert serving(aws) != serving(on_demand)


def test_the_dashboard_shows_each_part_of_a_run(aws: Synthesized) -> None:
    written = Capture()
    aws.template.has_resource_properties("AWS::CloudWatch::Dashboard", {"DashboardBody": written})
    widgets = json.loads(written.as_string())["widgets"]
    body = json.dumps([widget["properties"]["metrics"] for widget in widgets])
    for shown in (
        "ExecutionsFailed", "ExecutionTime", "train:loss", "validation:macro_f1", "CandidateAccuracy",
        "ChampionMacroF1", "SpotSavingsPercent", "ModelLatency", "ModelSetupTime", "Invocation5XXErrors",
        "Invocations", "RowsRejected", "Promoted",
    ):  # fmt: skip
        assert shown in body


def test_everything_that_can_have_tags_has_the_projects(aws: Synthesized) -> None:
    found = [construct for construct in aws.stack.node.find_all() if isinstance(construct, CfnResource)]
    tagged, bare = set[str](), set[str]()
    for resource in found:
        logical_id = aws.stack.resolve(resource.logical_id)
        tags = aws.resolved[logical_id].get("Properties", {}).get("Tags", [])
        can = TagManager.of(resource) is not None
        if can:
            assert {"Key": "project", "Value": PROJECT} in tags, f"{resource.cfn_resource_type} {logical_id}"
        (tagged if can else bare).add(resource.cfn_resource_type)
    # A kind that is new here must be looked at, lest it has tags that CDK does not know of.
    assert bare == {
        "AWS::IAM::Policy", "AWS::Lambda::Permission", "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "Custom::ServerlessEndpoint",
    }  # fmt: skip
    assert {"AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"} <= tagged


def test_cdk_has_nothing_to_warn_of(aws: Synthesized) -> None:
    annotations = Annotations.from_stack(aws.stack)
    annotations.has_no_warning("*", Match.any_value())
    annotations.has_no_error("*", Match.any_value())


@pytest.mark.slow
def test_cfn_lint_finds_nothing(aws: Synthesized) -> None:
    """The local cloud's template differs in values alone (`test_local_differs.py`). A region of each partition."""
    wanted = ManualArgs(include_experimental=True, regions=["us-east-1", "us-gov-west-1", "cn-north-1"])
    found = lint(json.dumps(aws.written), config=wanted)
    # CDK writes a DependsOn where the reference would do.
    assert [str(match) for match in found if match.rule.id != "W3005"] == []
