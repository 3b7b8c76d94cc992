"""What people may try on a project, and which of the policies of `mlops policy` let them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import boto3
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from domain import layout
from domain.state import Order
from ledger.orders import item_of
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops import people
from ops.people import Place
from tests.local import builders

PROJECT: Final = "automate-mlops"
PLACE: Final = Place(PROJECT, ACCOUNT, REGION)
BUCKET: Final = layout.bucket(PROJECT, ACCOUNT, REGION)
LEDGER: Final = layout.ledger(PROJECT)
MACHINE: Final = PLACE.arn("states", f"stateMachine:{layout.state_machine(PROJECT)}")
RUN: Final = "0123456789ab"
PACKAGE: Final = PLACE.arn("sagemaker", f"model-package/{PROJECT}/1")
BOOTSTRAPPED: Final = f"cdk-hnb659fds-deploy-role-{ACCOUNT}-{REGION}"
READERS: Final = "reader retrainer approver operator curator"
_DENIALS: Final = ("AccessDenied", "AccessDeniedException", "403", "AuthorizationError")
Clients = Callable[[str], Any]


@dataclass(frozen=True)
class Attempt:
    """Something that a person tries, and the roles that may."""

    what: str
    call: Callable[[Clients], Any]
    may: str = ""


def _put(key: str) -> Callable[[Clients], Any]:
    return lambda on: on("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")


def _get(key: str) -> Callable[[Clients], Any]:
    return lambda on: on("s3").get_object(Bucket=BUCKET, Key=key)


def _list(prefix: str) -> Callable[[Clients], Any]:
    return lambda on: on("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)


def _fact(kind: str) -> dict[str, Any]:
    return {"pk": {"S": kind}, "sk": {"S": "tried"}}


def _note(kind: str) -> Callable[[Clients], Any]:
    return lambda on: on("dynamodb").put_item(TableName=LEDGER, Item=_fact(kind))


def _ordered(on: Clients) -> Any:
    order = Order(RUN, "rollback", RUN, 9, "somebody", "tried", "2026-01-01T00:00:00+00:00")
    item = {name: TypeSerializer().serialize(value) for name, value in item_of(order).items()}
    return on("dynamodb").put_item(TableName=LEDGER, Item=item)


def _forget(kind: str) -> Callable[[Clients], Any]:
    return lambda on: on("dynamodb").delete_item(TableName=LEDGER, Key=_fact(kind))


def _query(kind: str) -> Callable[[Clients], Any]:
    values = {":pk": {"S": kind}}
    return lambda on: on("dynamodb").query(
        TableName=LEDGER, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values
    )


def _forged(on: Clients) -> Any:
    """The event that Approve answers, as if SageMaker had sent it."""
    detail = json.dumps({"ModelPackageArn": PACKAGE, "ModelApprovalStatus": "Approved"})
    kind = "SageMaker Model Package State Change"
    return on("events").put_events(Entries=[{"Source": "aws.sagemaker", "DetailType": kind, "Detail": detail}])


def _assume(role: str) -> Callable[[Clients], Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    return lambda on: on("sts").assume_role(RoleArn=arn, RoleSessionName="tried")


ATTEMPTS: Final = (
    Attempt("put a file into landing", _put("landing/new.csv"), "dropper"),
    Attempt("read a file in landing", _get("landing/there.csv")),
    Attempt("list landing", _list(layout.LANDING), READERS),
    Attempt("list the whole bucket", _list("")),
    Attempt("delete a file from landing", lambda on: on("s3").delete_object(Bucket=BUCKET, Key="landing/x"), "curator"),
    Attempt(
        "delete a file's versions",
        lambda on: on("s3").delete_object(Bucket=BUCKET, Key="landing/there.csv", VersionId="null"),
    ),
    Attempt("read a receipt", _get(layout.run_file(RUN, "receipt.json")), READERS),
    Attempt("read the golden rows", _get(layout.run_file(RUN, "golden.json"))),
    Attempt("read rows that models are judged on", _get(layout.part(1, "test", "s"))),
    Attempt("write a part of the dataset", _put(layout.part(1, "train", "s"))),
    Attempt("write a model", _put(f"{layout.MODELS}{PROJECT}-{RUN}-1/output/model.tar.gz")),
    Attempt("see the runs", _query("run"), READERS),
    Attempt("see what is held", _query("held"), READERS),
    Attempt("read the whole ledger", lambda on: on("dynamodb").scan(TableName=LEDGER)),
    Attempt("note a request for a run", _note("request"), "retrainer curator"),
    Attempt("order that a model goes live", _ordered, "operator"),
    Attempt("see what was ordered", _query("order"), "operator"),
    Attempt("vouch for a held file", _note("vouched"), "curator"),
    Attempt("let a held file back in", _forget("held"), "curator"),
    Attempt("move the champion", _note("champion")),
    Attempt("note an approval", _note("approval")),
    Attempt("write a run", _note("run")),
    Attempt("take the claim", _note("claim")),
    Attempt("give the claim back", _forget("claim")),
    Attempt(
        "start an execution",
        lambda on: on("stepfunctions").start_execution(stateMachineArn=MACHINE, input="{}"),
        "retrainer operator curator",
    ),
    Attempt("list executions", lambda on: on("stepfunctions").list_executions(stateMachineArn=MACHINE), READERS),
    Attempt(
        "change the state machine",
        lambda on: on("stepfunctions").update_state_machine(stateMachineArn=MACHINE, definition="{}"),
    ),
    Attempt(
        "approve a model in the registry",
        lambda on: on("sagemaker").update_model_package(ModelPackageArn=PACKAGE, ModelApprovalStatus="Approved"),
        "approver",
    ),
    Attempt("forge the registry's event", _forged),
    Attempt(
        "call the function that approves",
        lambda on: on("lambda").invoke(FunctionName=layout.function(PROJECT, "approve"), Payload=b"{}"),
    ),
    Attempt(
        "change a function",
        lambda on: on("lambda").update_function_code(FunctionName=layout.function(PROJECT, "gate"), ZipFile=b"x"),
    ),
    Attempt(
        "ask the live model",
        lambda on: on("sagemaker-runtime").invoke_endpoint(EndpointName=PROJECT, Body=b"{}"),
        READERS,
    ),
    Attempt(
        "change the endpoint",
        lambda on: on("sagemaker").update_endpoint(EndpointName=PROJECT, EndpointConfigName="other"),
    ),
    Attempt("delete the endpoint", lambda on: on("sagemaker").delete_endpoint(EndpointName=PROJECT)),
    Attempt("see the dashboard", lambda on: on("cloudwatch").get_dashboard(DashboardName=PROJECT), READERS),
    Attempt("act as the role that deploys", _assume(BOOTSTRAPPED), "deployer"),
    Attempt("act as another role", _assume("another")),
    Attempt(
        "give oneself more rights",
        lambda on: on("iam").put_user_policy(UserName="me", PolicyName="more", PolicyDocument='{"Statement": []}'),
    ),
)


def found(cloud: LocalCloud) -> None:
    """Make the project's bucket and ledger on an empty local cloud."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    cloud.client("dynamodb").create_table(
        TableName=LEDGER,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )


def prepare(cloud: LocalCloud) -> None:
    """Put beside them what is tried: objects, the machine, the dashboard, two roles."""
    s3 = cloud.client("s3")
    for key in ("landing/there.csv", layout.run_file(RUN, "receipt.json"), layout.run_file(RUN, "golden.json")):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    s3.put_object(Bucket=BUCKET, Key=layout.part(1, "test", "s"), Body=b"x")
    machine = {"QueryLanguage": "JSONata", "StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    role = builders.role(cloud, "machine", builders.allow("logs:PutLogEvents"), service="states")
    cloud.client("stepfunctions").create_state_machine(
        name=layout.state_machine(PROJECT), definition=json.dumps(machine), roleArn=role
    )
    cloud.client("cloudwatch").put_dashboard(DashboardName=PROJECT, DashboardBody='{"widgets": []}')
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    for name in (BOOTSTRAPPED, "another"):
        cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)


def session_of(cloud: LocalCloud, role: str) -> boto3.session.Session:
    """A session of a new user with the policy of a role."""
    return builders.user(cloud, *people.policy(role, PLACE)["Statement"])


def clients_of(cloud: LocalCloud, role: str) -> Clients:
    """Clients of a new user with the policy of a role, made once each."""
    session, made = session_of(cloud, role), dict[str, Any]()

    def on(service: str) -> Any:
        if service not in made:
            made[service] = session.client(service, endpoint_url=cloud.url)
        return made[service]

    return on


def is_refused(attempt: Attempt, on: Clients) -> bool:
    """Whether IAM refuses it. What it lets through may fail for another reason: here is no endpoint, no package."""
    try:
        attempt.call(on)
    except ClientError as error:
        return error.response["Error"]["Code"] in _DENIALS
    return False
