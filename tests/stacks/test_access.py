"""Who may do what: a table that a person reviews, and rules that hold for every row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from aws_cdk.assertions import Match

from domain import layout
from tests.stacks.conftest import check_snapshot
from tests.stacks.synth import ACCOUNT, PROJECT, REGION, Synthesized

# Actions for which AWS offers no resource level.
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListModelPackages",
    "sagemaker:ListModels",
    "sagemaker:ListTrainingJobs",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}

# What CDK appends to a logical id.
_HASH = re.compile(r"(?<=[a-z])[0-9A-F]{8}(?=$|:)")


def rows(synthesized: Synthesized) -> list[tuple[str, str, str]]:
    """(role, action, resource) of every statement of every role, sorted."""
    return sorted((role, action, resource) for _, role, action, resource in _each(synthesized))


def test_the_table_of_rights_is_as_reviewed(aws: Synthesized) -> None:
    table: dict[tuple[str, str, str], list[str]] = {}
    for statement, role, action, resource in _each(aws):
        table.setdefault((_HASH.sub("", role), _stable(resource), _where(statement)), []).append(action)
    lines = [
        f"{role} | {resource} | {' '.join(sorted(table[role, resource, where]))}{where}"
        for role, resource, where in sorted(table)
    ]
    check_snapshot("access.txt", "\n".join(lines) + "\n")


def test_no_action_is_a_wildcard(aws: Synthesized, on_demand: Synthesized) -> None:
    assert [row for row in [*rows(aws), *rows(on_demand)] if "*" in row[1]] == []


def test_every_resource_is_named_where_aws_allows_it(aws: Synthesized) -> None:
    assert {action for _, action, resource in rows(aws) if resource == "*"} <= WITHOUT_RESOURCE


def test_only_sagemaker_is_passed_a_role(aws: Synthesized) -> None:
    bounded = {
        "Action": "iam:PassRole",
        "Resource": Match.string_like_regexp(f"^arn:aws:iam::{ACCOUNT}:role/(Endpoint|Training)Role"),
        "Condition": Match.object_equals({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),
    }
    statements = Match.array_with([Match.object_like(bounded)])
    assert len([row for row in rows(aws) if row[1] == "iam:PassRole"]) == 2
    aws.template.resource_properties_count_is("AWS::IAM::Policy", {"PolicyDocument": {"Statement": statements}}, 2)


def test_no_role_has_managed_or_inline_policies(aws: Synthesized, local: Synthesized) -> None:
    """What a role may do is in the policies that `rows` reads, and nowhere else."""
    for synthesized in (aws, local):
        synthesized.template.all_resources_properties(
            "AWS::IAM::Role", {"ManagedPolicyArns": Match.absent(), "Policies": Match.absent()}
        )
        synthesized.template.resource_count_is("AWS::IAM::ManagedPolicy", 0)


def test_no_role_can_bring_back_a_log_group_that_the_stack_deletes(aws: Synthesized, on_demand: Synthesized) -> None:
    """One that is written to after the stack's deletion would come back, and its name block the next deploy."""
    for synthesized in (aws, on_demand):
        may_create = [(role, res) for role, action, res in rows(synthesized) if action == "logs:CreateLogGroup"]
        assert [_HASH.sub("", role) for role, _ in may_create] == ["TrainingRole"], "SageMaker's own group of all jobs"
        deleted = [
            resource["Properties"]["LogGroupName"]
            for resource in synthesized.resolved.values()
            if resource["Type"] == "AWS::Logs::LogGroup" and resource.get("DeletionPolicy", "Delete") == "Delete"
        ]
        assert len(deleted) >= 20
        for name in deleted:
            arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
            assert [role for role, resource in may_create if fnmatchcase(arn, resource)] == [], name


def test_every_log_group_that_a_function_writes_to_is_the_stacks(aws: Synthesized) -> None:
    """One that Lambda made by itself would stay behind, and without a retention."""
    groups = {group["LogGroupName"] for group in aws.of_type("AWS::Logs::LogGroup").values()}
    for name, function in aws.of_type("AWS::Lambda::Function").items():
        assert function.get("LoggingConfig", {}).get("LogGroup") in groups, name


def test_whoever_registers_may_look_up_the_image_that_serves(aws: Synthesized) -> None:
    """CreateModelPackage looks the digest up in its caller's name (AmazonSageMakerModelRegistryFullAccess has both)."""
    wanted = {"ecr:BatchGetImage", "ecr:DescribeImages"}
    registers = {role for role, action, _ in rows(aws) if action == "sagemaker:CreateModelPackage"}
    for role in registers:
        allowed = {(action, resource) for who, action, resource in rows(aws) if who == role and action in wanted}
        assert {action for action, _ in allowed} == wanted
        assert all(":repository/cdk-hnb659fds-container-assets-" in resource for _, resource in allowed)
    assert len(registers) == 1


def test_what_was_judged_is_out_of_reach_of_whoever_trains(aws: Synthesized) -> None:
    """Evaluate writes what it judged, and Adopt what an earlier release left; nobody else does, and nobody may copy."""
    reach = [(_HASH.sub("", role), action) for role, action, resource in rows(aws) if f"/{layout.RELEASED}" in resource]
    assert {role for role, action in reach if action == "s3:PutObject"} == {
        "FunctionsAdoptRole",
        "FunctionsEvaluateRole",
    }
    assert [role for role, action in reach if action == "s3:DeleteObject"] == ["FunctionsReleaseRole"]
    assert not [role for role, _ in reach if "Training" in role]
    served = [resource for role, action, resource in rows(aws) if "Endpoint" in role and action == "s3:GetObject"]
    assert [resource.rsplit(":::", 1)[1].split("/", 1)[1] for resource in served] == [f"{layout.RELEASED}*"]


def test_whoever_creates_what_has_tags_may_tag_it(aws: Synthesized) -> None:
    kinds = {
        "CreateModel": "model/", "CreateEndpointConfig": "endpoint-config/", "CreateEndpoint": "endpoint/",
        "CreateModelPackageGroup": "model-package-group/", "CreateTrainingJob": "training-job/",
    }  # fmt: skip
    found = rows(aws)
    for action, kind in kinds.items():
        created = [(role, res) for role, done, res in found if done == f"sagemaker:{action}" and f":{kind}" in res]
        assert created, action
        for role, resource in created:
            assert (role, "sagemaker:AddTags", resource) in found, action


def test_the_machine_may_tag_the_jobs_it_starts(aws: Synthesized) -> None:
    """Step Functions tags a job that it waits for; AWS's own pages leave the right out (aws-cdk, issue 32294)."""
    jobs = f":training-job/{PROJECT}-{'?' * 12}-*"
    granted = {action for role, action, resource in rows(aws) if resource.endswith(jobs) and "Machine" in role}
    assert {"sagemaker:AddTags", "sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob"} <= granted


def _each(synthesized: Synthesized) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    """(statement, role, action, resource) of every right."""
    for policy in synthesized.of_type("AWS::IAM::Policy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for role in policy["Roles"]:
                for action in _list(statement["Action"]):
                    for resource in _list(statement["Resource"]):
                        yield statement, role, action, resource


def _where(statement: dict[str, Any]) -> str:
    """The condition of a statement, in short; what no value may lack (`Null`) is left out."""
    tests = [
        f"{key} {' '.join(sorted(_list(values)))}"
        for operator, keys in sorted(statement.get("Condition", {}).items())
        for key, values in sorted(keys.items())
        if operator != "Null"
    ]
    return f" | where {'; '.join(tests)}" if tests else ""


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _stable(resource: str) -> str:
    """`resource` without CDK's hashes of the tree and of the code."""
    if resource.startswith("arn:aws:s3:::cdk-") and resource.endswith(".gz"):
        return f"{resource.rsplit('/', 1)[0]}/<sourcedir>"
    return _HASH.sub("", resource)
