"""`make acceptance` spends nothing by accident, says first what it may cost, and writes down only what AWS said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain import layout
from domain.settings import Settings
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.deployment import ROOT
from stacks.cdk_json import parse
from tasks.settings import of_project
from tests.acceptance import costs, record
from tests.acceptance.overlay import on_aws
from tests.acceptance.record import Notebook, Record, key
from tests.acceptance.target import Target, leave_nothing
from tests.acceptance.words import NOT_PROVOKED, PROVOKED, Words

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "must be the number of the account"), ("123456789012", "the credentials are of another account")],
)
def test_an_account_that_was_not_typed_out_is_left_alone(cloud: LocalCloud, typed: str, said: str) -> None:
    given = {**os.environ, **cloud.environment(), "ACCEPT_AWS": "1", "ACCEPT_ACCOUNT": typed}
    result = subprocess.run(
        [sys.executable, "-m", "tests.acceptance"], cwd=ROOT, env=given, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_the_most_that_it_can_cost() -> None:
    settings = of_project({}).model_validate(on_aws(ACCOUNT, "us-east-1"))
    lines = costs.most(settings)
    # Four runs of two attempts, each billed half an hour at most.
    assert lines[0].usd == pytest.approx(8 * 0.5 * 0.7364)
    total = sum(line.usd for line in lines)
    assert f"{total:.2f}" in costs.told(lines)
    assert total < 5


def test_without_a_price_there_is_no_promise() -> None:
    with pytest.raises(costs.NoPriceError, match=r"ml\.p5\.48xlarge"):
        costs.most(of_project({}).model_validate({"training": {"instance_type": "ml.p5.48xlarge"}}))


def test_a_run_on_an_account_has_a_project_of_its_own() -> None:
    overlay = on_aws(ACCOUNT, "us-east-1")
    assert parse(overlay).project.startswith("accept-")
    assert overlay["project"] in overlay["training"]["base_model"]
    assert on_aws(ACCOUNT, "us-east-1") == overlay, "what is priced is what is deployed"


class DestroyError(Exception):
    """CloudFormation could not delete the stack."""


def test_nothing_is_left_even_where_the_stack_cannot_be_destroyed(cloud: LocalCloud) -> None:
    settings = Settings(project="left")
    s3, dynamodb, sqs = (cloud.client(service) for service in ("s3", "dynamodb", "sqs"))
    tries = []

    def destroy() -> None:
        tries.append("destroy")
        raise DestroyError

    target = Target("local", cloud, ACCOUNT, REGION, settings, lambda: None, destroy, 60)
    s3.create_bucket(Bucket=target.bucket)
    s3.put_bucket_versioning(Bucket=target.bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=target.bucket, Key="landing/a.csv", Body=body)
    s3.delete_object(Bucket=target.bucket, Key="landing/a.csv")
    dynamodb.create_table(
        TableName=layout.ledger("left"), BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )  # fmt: skip
    queue = sqs.create_queue(QueueName="left-ears")["QueueUrl"]
    cloud.client("cloudformation").create_stack(
        StackName="left", TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    )
    with pytest.raises(DestroyError):
        leave_nothing(target, [queue])
    assert tries == ["destroy"]
    assert target.bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert layout.ledger("left") not in dynamodb.list_tables()["TableNames"]
    assert not sqs.list_queues().get("QueueUrls")
    cloud.client("cloudformation").delete_stack(StackName="left")
    # And once more, where there is nothing any more.
    leave_nothing(target, [])


def of(kind: str, date: str) -> Record:
    words = {key(PROVOKED[0].words): f"ValidationException: it | is not there, on {date}"}
    return Record(
        kind, date, "us-east-1", "abc", {"test_one": "passed", "test_two": "failed"}, {"deploy": "9 s"}, words
    )


def test_a_local_run_writes_nothing(tmp_path: Path) -> None:
    records, page = tmp_path / "r.json", tmp_path / "p.md"
    records.write_text("[]")
    with pytest.raises(record.NotAwsError):
        record.add(of("local", "2026-12-01"), records, page)
    assert records.read_text() == "[]"
    assert not page.exists()


def test_a_record_is_added_and_none_is_lost(tmp_path: Path) -> None:
    records, page = tmp_path / "r.json", tmp_path / "p.md"
    records.write_text("[]")
    for date in ("2026-12-01", "2026-12-02"):
        record.add(of("aws", date), records, page)
    assert [one["date"] for one in json.loads(records.read_text())] == ["2026-12-01", "2026-12-02"]
    said = page.read_text()
    assert "no one has run" not in said
    assert said.index("## 2026-12-02") < said.index("## 2026-12-01")
    assert "1 of 2 tests passed; not: test_two" in said
    assert r"2026-12-02: ValidationException: it \| is not there" in said


def test_the_page_is_what_the_records_say() -> None:
    assert record.PAGE.read_text(encoding="utf-8") == record.render(record.read())


def test_the_page_says_plainly_that_no_one_has_run_it() -> None:
    assert "no one has run this project on AWS" in record.render([])


@pytest.mark.parametrize("words", [one.words for one in PROVOKED] + list(NOT_PROVOKED), ids=key)
def test_the_words_are_those_that_the_code_looks_for(words: Words) -> None:
    assert words.text in (ROOT / words.file).read_text(encoding="utf-8")


def test_a_test_that_fails_at_its_end_has_failed() -> None:
    notebook = Notebook()
    for when, outcome in (("setup", "passed"), ("call", "passed"), ("teardown", "failed")):
        report = pytest.TestReport("a.py::test_it", ("a.py", 1, "test_it"), {}, outcome, None, when)  # type: ignore[arg-type]
        notebook.pytest_runtest_logreport(report)
    assert notebook.tests == {"test_it": "failed"}
