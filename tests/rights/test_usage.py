"""Granted beside used: what counts as used, as needed, as explained; and that the record is of this template."""

from __future__ import annotations

from typing import Any

import pytest

from local.permissions import Request
from tests.rights import page, reasons
from tests.rights.conftest import Roles
from tests.rights.reasons import Reason
from tests.rights.usage import Right, compare, granted

READ = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::b/x/*"]}
ALL = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
FACTS = {
    "Effect": "Allow",
    "Action": "dynamodb:PutItem",
    "Resource": "arn:aws:dynamodb:us-east-1:1:table/t",
    "Condition": {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["run", "champion"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
}


def got(key: str, action: str = "s3:GetObject") -> Request:
    return Request.of("Role", action, f"arn:aws:s3:::b/{key}", {})


def put(kind: str) -> Request:
    resource = "arn:aws:dynamodb:us-east-1:1:table/t"
    return Request.of("Role", "dynamodb:PutItem", resource, {"dynamodb:leadingkeys": [kind]})


def test_a_right_is_used_if_something_was_asked_that_it_allows() -> None:
    found = compare({"Role": [READ]}, [got("x/1"), got("y/1")])
    assert found.used == {Right("Role", "s3:GetObject", "arn:aws:s3:::b/x/*")}
    assert found.unused == {Right("Role", "s3:PutObject", "arn:aws:s3:::b/x/*")}
    assert found.refused == (got("y/1"),)


def test_a_right_to_the_ledger_is_one_for_each_kind_of_facts() -> None:
    found = compare({"Role": [FACTS]}, [put("run"), put("claim")])
    assert {right.facts for right in found.used} == {"run"}
    assert {right.facts for right in found.unused} == {"champion"}
    assert found.refused == (put("claim"),)


@pytest.mark.parametrize(
    ("asked", "superfluous"),
    [([got("x/1")], [READ, ALL]), ([got("x/1"), got("y")], [READ]), ([got("x/1", "s3:PutObject")], [ALL])],
)
def test_a_statement_is_superfluous_if_all_that_was_asked_is_allowed_without_it(
    asked: list[Request], superfluous: list[dict[str, Any]]
) -> None:
    assert [statement for _, statement in compare({"Role": [READ, ALL]}, asked).superfluous] == superfluous


def test_what_another_role_asks_uses_nothing() -> None:
    found = compare({"Role": [ALL], "Other": []}, [Request.of("Other", "s3:GetObject", "arn:aws:s3:::b/x", {})])
    assert not found.used


def test_a_reason_without_a_right_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    unused = {Right("FunctionsXRole", "logs:PutLogEvents", "r"), Right("FunctionsXRole", "s3:GetObject", "r")}
    logs = Reason("Lambda writes it", "Functions*", ("logs:PutLogEvents", "logs:CreateLogStream"))
    monkeypatch.setattr(reasons, "REASONS", (logs,))
    assert reasons.without_reason(unused) == [Right("FunctionsXRole", "s3:GetObject", "r")]
    assert reasons.stale(unused) == ["Functions*: logs:CreateLogStream: Lambda writes it"]


def test_what_is_granted_is_what_was_compared(roles: Roles) -> None:
    """Whoever changes a right plays the story again: `make rights-report`."""
    used, unused = page.recorded()
    template = {page.plain(right) for right in granted(roles.all_statements())}
    assert template - used - unused == set(), "granted since: make rights-report"
    assert used | unused == template, "no longer granted: make rights-report"


def test_each_right_that_was_not_used_has_a_reason_and_each_reason_such_a_right() -> None:
    _, unused = page.recorded()
    assert reasons.without_reason(unused) == []
    assert reasons.stale(unused) == []
