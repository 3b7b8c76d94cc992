"""The policies for people: each tried for what it may do and for what it may not, on a ledger and bucket with IAM."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from domain import layout
from domain.data.dataset import Hold, listed
from domain.state import AWAITING, Judgement, Run, Seal
from ledger.judgements import item_of
from ledger.ledger import Ledger
from local.cloud import LocalCloud
from ops import people
from ops.__main__ import app
from ops.errors import NoAccess, Unusable
from tests.rights.people import (
    ATTEMPTS,
    BUCKET,
    LEDGER,
    MACHINE,
    PACKAGE,
    PLACE,
    RUN,
    Attempt,
    Clients,
    clients_of,
    is_refused,
    prepare,
    session_of,
)

pytestmark = pytest.mark.slow

KEPT_OUT, LIVE, FORMER = "333333333333", "222222222222", "111111111111"
# What IAM names otherwise than the operation.
NO_OPERATION = {"s3:ListBucket"}
# AWS's limit of a managed policy, white space not counted (IAM's guide, "IAM and AWS STS quotas").
MOST_CHARACTERS = 6144


@pytest.fixture(scope="module")
def clients(cloud: LocalCloud) -> dict[str, Clients]:
    prepare(cloud)
    return {role: clients_of(cloud, role) for role in people.ROLES}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.what)
def test_who_may_and_who_may_not(clients: dict[str, Clients], attempt: Attempt) -> None:
    assert {role for role in people.ROLES if not is_refused(attempt, clients[role])} == set(attempt.may.split())


COMMANDS = {
    "drop": ("dropper", ["drop", str(Path(__file__))]),
    "runs": ("reader", ["runs"]),
    "held": ("reader", ["held"]),
    "watch": ("reader", ["watch", "--wait", "0"]),
    "retrain": ("retrainer", ["retrain", "--reason", "tried"]),
    "release": ("curator", ["release", "held.csv"]),
    "withdraw": ("curator", ["withdraw", "withdrawn.csv"]),
    "approve": ("approver", ["approve", RUN]),
    "rollback": ("operator", ["rollback", "--reason", "tried"]),
    "rollback --list": ("reader", ["rollback", "--list"]),
    "promote": ("operator", ["promote", KEPT_OUT, "--reason", "tried"]),
}


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_needs_no_more_than_its_role(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    role, arguments = COMMANDS[command]
    something_to_do(cloud)
    credentials = session_of(cloud, role).get_credentials()
    assert credentials is not None
    keys = {"AWS_ACCESS_KEY_ID": credentials.access_key, "AWS_SECRET_ACCESS_KEY": credentials.secret_key}
    for name, value in {**cloud.environment(), **keys}.items():
        monkeypatch.setenv(name, value)
    ended = CliRunner().invoke(app, [*arguments, "--project", PLACE.project])
    # There is no package: what is asked of the registry was let through all the same.
    refused = isinstance(ended.exception, NoAccess)
    assert not refused, ended.exception
    assert command == "approve" or ended.exception is None, ended.exception


def something_to_do(cloud: LocalCloud) -> None:
    """A run that waits for a person, a file that is held, another to take back; a model that is live, one that was, and
    one that the gate kept out."""
    ledger = Ledger(cloud.resource("dynamodb").Table(LEDGER))
    for name in ("held.csv", "withdrawn.csv"):
        cloud.client("s3").put_object(Bucket=BUCKET, Key=f"{layout.LANDING}{name}", Body=b"x")
    landed = {
        source.key: source
        for source in listed(cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET))
    }
    ledger.hold(Hold(landed["landing/held.csv"], RUN, "it disagrees"))
    answer = cloud.client("stepfunctions").start_execution(stateMachineArn=MACHINE, input="{}")
    waits = Run(
        RUN, "d", 1, answer["executionArn"], "tried", "2026-01-01T00:00:00+00:00", verdict=AWAITING, package=PACKAGE
    )
    ledger.save_run(waits)
    judged = Judgement(RUN, "d", 1, Seal("a" * 64, "b" * 64), "promote", 0, waits=True, package=PACKAGE)
    table = cloud.resource("dynamodb").Table(LEDGER)
    table.put_item(Item=item_of(judged))
    kept_out = Run(KEPT_OUT, "d", 1, answer["executionArn"], "tried", "2025-01-01T00:00:00+00:00", verdict="reject")
    ledger.save_run(kept_out)
    table.put_item(Item=item_of(replace(judged, run=KEPT_OUT, verdict="reject", waits=False)))
    if ledger.champion() is None:
        ledger.seize("tried", "now")
        for version, run in enumerate((FORMER, LIVE)):
            ledger.promote("tried", replace(judged, run=run, champion_version=version), "2026-01-01T00:00:00+00:00")
        ledger.release("tried")


def test_every_role_may_something_and_may_not_something() -> None:
    for role in people.ROLES:
        assert [attempt for attempt in ATTEMPTS if role in attempt.may.split()], role
        assert [attempt for attempt in ATTEMPTS if role not in attempt.may.split()], role


@pytest.mark.parametrize("role", people.ROLES)
def test_a_policy_names_actions_that_there_are_and_fits(role: str) -> None:
    document = people.policy(role, PLACE)
    assert len(re.sub(r"\s", "", json.dumps(document))) <= MOST_CHARACTERS
    session = boto3.session.Session(region_name="us-east-1")
    for action in {action for statement in document["Statement"] for action in statement["Action"]} - NO_OPERATION:
        service, _, operation = action.partition(":")
        found = {"states": "stepfunctions"}.get(service, service)
        names = session.client(found).meta.service_model.operation_names
        if operation == "InvokeEndpoint":
            names = session.client("sagemaker-runtime").meta.service_model.operation_names
        assert operation in names, action


def test_the_ledger_is_open_to_nobody_but_by_kinds_of_facts() -> None:
    for role in people.ROLES:
        for statement in people.policy(role, PLACE)["Statement"]:
            if {a for a in statement["Action"] if a.startswith("dynamodb:")} - {"dynamodb:DescribeTable"}:
                assert statement["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}


def test_the_command_prints_a_policy_of_this_account(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["policy", "dropper", "--project", "automate-mlops"])
    assert json.loads(result.output) == people.policy("dropper", PLACE)
    assert isinstance(CliRunner().invoke(app, ["policy", "king"]).exception, Unusable)
