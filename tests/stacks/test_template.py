"""What must hold for the deployed resources, whatever else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnResource, TagManager
from cfnlint.api import lint_all

from domain import layout
from domain.config import Settings
from stacks.build import build, context
from stacks.settings import SettingsError, parse
from tests.stacks.synth import ACCOUNT, PROJECT, REGION, Synthesized, synthesize


def test_the_bucket_is_private_encrypted_versioned_and_kept(aws: Synthesized) -> None:
    resource = aws.resolved["DataBucketE6B0FAA8"]
    bucket = resource["Properties"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert bucket["BucketName"] == f"{PROJECT}-data-{ACCOUNT}-{REGION}"
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    algorithm = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    assert algorithm == {"SSEAlgorithm": "AES256"}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["checkpoints"]["Prefix"] == layout.CHECKPOINTS
    assert rules["checkpoints"]["ExpirationInDays"] == 14
    assert rules["overwritten-and-deleted-objects"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "Prefix" not in rules["overwritten-and-deleted-objects"]
    assert "ExpirationInDays" not in rules["overwritten-and-deleted-objects"]
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"])
def test_nothing_is_reachable_without_tls(aws: Synthesized, kind: str) -> None:
    for policy in aws.of_type(kind).values():
        denied = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert any(s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for s in denied)


def test_the_ledger_is_on_demand_recoverable_and_kept(aws: Synthesized) -> None:
    (resource,) = (r for r in aws.resolved.values() if r["Type"] == "AWS::DynamoDB::Table")
    table = resource["Properties"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert table["TableName"] == f"{PROJECT}-ledger"
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_every_log_group_ends(aws: Synthesized) -> None:
    groups = aws.of_type("AWS::Logs::LogGroup")
    assert {group["RetentionInDays"] for group in groups.values()} == {30}
    names = {group["LogGroupName"] for group in groups.values()}
    assert f"/aws/sagemaker/Endpoints/{PROJECT}" in names
    logged = {function["LoggingConfig"]["LogGroup"] for function in aws.of_type("AWS::Lambda::Function").values()}
    assert logged <= names


def test_functions_stay_within_lambdas_limits(aws: Synthesized) -> None:
    functions = aws.of_type("AWS::Lambda::Function").values()
    ours = [function for function in functions if function.get("FunctionName", "").startswith(f"{PROJECT}-")]
    assert len(ours) == 17
    for function in ours:
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["x86_64"]
        # Lambda allows 900 s; 3,008 MB is what a new account gets.
        assert function["Timeout"] <= 900
        assert function["MemorySize"] <= 3008
        variables = function["Environment"]["Variables"]
        assert sum(len(name) + len(value) for name, value in variables.items()) < 4096
        assert Settings.model_validate_json(variables["SETTINGS"]).project == PROJECT
    assert len({function["Code"]["S3Key"] for function in ours}) == 2


def test_what_predicts_in_a_function_reports_to_nobody(aws: Synthesized) -> None:
    functions = {
        f["FunctionName"]: f["Environment"]["Variables"]
        for f in aws.of_type("AWS::Lambda::Function").values()
        if "FunctionName" in f
    }
    quiet = {name for name, variables in functions.items() if variables.get("ORT_DISABLE_TELEMETRY") == "1"}
    assert quiet == {f"{PROJECT}-{name}" for name in ("screen", "evaluate", "adopt")}


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
    alarms = aws.of_type("AWS::CloudWatch::Alarm").values()
    assert 0 < len(alarms) <= 10
    for alarm in alarms:
        assert "Metrics" not in alarm
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["Namespace"] != "AWS/States", "Reconcile tells of a failed execution, and once is enough"
        assert alarm["AlarmActions"] == [f"arn:aws:sns:{REGION}:{ACCOUNT}:{PROJECT}-notices"]


def test_alarms_may_publish(aws: Synthesized) -> None:
    (policy,) = aws.of_type("AWS::SNS::TopicPolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
    assert allowed[0]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_rules_start_the_machine_with_constant_inputs(aws: Synthesized) -> None:
    rules = aws.of_type("AWS::Events::Rule").values()
    inputs = []
    for rule in rules:
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"]["Arn"].endswith(f":{PROJECT}-dead-letters")
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert "InputTransformer" not in target
        if ":stateMachine:" in target["Arn"]:
            inputs.append(json.loads(target["Input"]))
    assert sorted(inputs, key=str) == [
        {"reason": "delete", "from": "Settle"},
        {"reason": "drop", "from": "Settle"},
        {"reason": "sweep", "from": "Settle"},
    ]


def test_only_landing_starts_a_run(aws: Synthesized) -> None:
    patterns = [rule["EventPattern"] for rule in aws.of_type("AWS::Events::Rule").values() if "EventPattern" in rule]
    of_s3 = [pattern for pattern in patterns if pattern["source"] == ["aws.s3"]]
    assert {pattern["detail-type"][0] for pattern in of_s3} == {"Object Created", "Object Deleted"}
    for pattern in of_s3:
        assert pattern["detail"]["object"] == {"key": [{"prefix": "landing/"}]}
        assert pattern["detail"]["bucket"] == {"name": [f"{PROJECT}-data-{ACCOUNT}-{REGION}"]}


def test_teardown_finds_everything_it_needs(aws: Synthesized) -> None:
    """CloudFormation deletes in reverse order of dependency: the custom resource goes before what it uses."""
    resources = aws.template["Resources"]
    (name,) = (key for key, r in resources.items() if r["Type"] == "Custom::ServerlessEndpoint")
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
        return str(next(iter(synthesized.of_type("Custom::ServerlessEndpoint").values()))["Serving"])

    assert serving(aws) == layout.digest(Settings().serving.model_dump(mode="json"))
    assert serving(aws) != serving(on_demand)


def test_the_dashboard_shows_each_part_of_a_run(aws: Synthesized) -> None:
    (dashboard,) = aws.of_type("AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]
    json.loads(body)
    for shown in (
        "ExecutionsFailed", "ExecutionTime", "train:loss", "validation:macro_f1", "CandidateAccuracy",
        "ChampionMacroF1", "SpotSavingsPercent", "ModelLatency", "ModelSetupTime", "Invocation5XXErrors",
        "Invocations", "RowsRejected", "Promoted",
    ):  # fmt: skip
        assert shown in body


def test_everything_that_can_have_tags_has_the_projects(tmp_path: Path) -> None:
    app = App(context={**context(), "aws:cdk:bundling-stacks": []}, outdir=str(tmp_path / "out"))
    stack = build(app)
    app.synth()
    resources = json.loads((tmp_path / "out" / stack.template_file).read_text(encoding="utf-8"))["Resources"]
    found = [construct for construct in stack.node.find_all() if isinstance(construct, CfnResource)]
    tagged, bare = set[str](), set[str]()
    for resource in found:
        logical_id = stack.resolve(resource.logical_id)
        tags = resources[logical_id].get("Properties", {}).get("Tags", [])
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


def test_cfn_lint_finds_nothing(aws: Synthesized, local: Synthesized) -> None:
    for synthesized in (aws, local):
        found = lint_all(json.dumps(synthesized.template))
        # I...: information; W3005: CDK writes a DependsOn where the reference would do.
        assert [str(match) for match in found if not match.rule.id.startswith("I") and match.rule.id != "W3005"] == []
