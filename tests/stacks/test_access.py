"""Who may do what: a table that a person reviews, and rules that hold for every row."""

from __future__ import annotations

import re
from typing import Any

from tests.stacks.conftest import check_snapshot
from tests.stacks.synth import PROJECT, Synthesized

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
    found = []
    for policy in synthesized.of_type("AWS::IAM::Policy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for role in policy["Roles"]:
                for action in _list(statement["Action"]):
                    found += [(role, action, resource) for resource in _list(statement["Resource"])]
    return sorted(found)


def test_the_table_of_rights_is_as_reviewed(aws: Synthesized) -> None:
    table: dict[tuple[str, str], list[str]] = {}
    for role, action, resource in rows(aws):
        table.setdefault((_HASH.sub("", role), _stable(resource)), []).append(action)
    lines = [f"{role} | {resource} | {' '.join(sorted(table[role, resource]))}" for role, resource in sorted(table)]
    check_snapshot("access.txt", "\n".join(lines) + "\n")


def test_no_action_is_a_wildcard(aws: Synthesized, on_demand: Synthesized) -> None:
    assert [row for row in [*rows(aws), *rows(on_demand)] if "*" in row[1]] == []


def test_every_resource_is_named_where_aws_allows_it(aws: Synthesized) -> None:
    assert {action for _, action, resource in rows(aws) if resource == "*"} <= WITHOUT_RESOURCE


def test_only_sagemaker_is_passed_a_role(aws: Synthesized) -> None:
    passed = [
        statement
        for policy in aws.of_type("AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if "iam:PassRole" in _list(statement["Action"])
    ]
    assert len(passed) == 2
    for statement in passed:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert all("Role" in resource for resource in _list(statement["Resource"]))


def test_functions_have_no_managed_policies(aws: Synthesized) -> None:
    for name, role in aws.of_type("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role or name.startswith("EndpointProvider"), name


def test_the_machine_may_tag_the_jobs_it_starts(aws: Synthesized) -> None:
    """Step Functions tags a job that it waits for; AWS's own pages leave the right out (aws-cdk, issue 32294)."""
    jobs = f":training-job/{PROJECT}-{'?' * 12}-*"
    granted = {action for role, action, resource in rows(aws) if resource.endswith(jobs) and "Machine" in role}
    assert {"sagemaker:AddTags", "sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob"} <= granted


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _stable(resource: str) -> str:
    """`resource` without CDK's hashes of the tree and of the code."""
    if resource.startswith("arn:aws:s3:::cdk-") and resource.endswith(".gz"):
        return f"{resource.rsplit('/', 1)[0]}/<sourcedir>"
    return _HASH.sub("", resource)
