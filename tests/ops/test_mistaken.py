"""A run's page shows held-out pictures that were answered wrongly, to whom may read rows."""

from __future__ import annotations

import gzip
import io
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from PIL import Image
from rich.console import Console

from domain import layout
from domain.state import Run
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops import people, report
from ops.deployment import Deployment
from ops.mistaken import MOST, SIDE, mistaken
from tests.e2e.material import features
from tests.ops.conftest import make_image_receipt
from tests.ops.test_report import Page

PROJECT = "pictures"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One that refuses what a policy does not allow, with a bucket and a ledger."""
    with LocalCloud(tmp_path_factory.mktemp("mistaken")) as cloud:
        cloud.client("s3").create_bucket(Bucket=layout.bucket(PROJECT, ACCOUNT, REGION))
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        cloud.client("dynamodb").create_table(
            TableName=layout.ledger(PROJECT),
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        )
        yield cloud


@pytest.fixture(scope="module")
def deployment(cloud: LocalCloud) -> Deployment:
    """As who may do everything sees it."""
    return Deployment.on(cloud, PROJECT)


@pytest.fixture(scope="module")
def as_reader(cloud: LocalCloud) -> Deployment:
    """As a reader sees it, whose policy gives no row of data."""
    iam, name = cloud.client("iam"), "reader"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = people.policy("reader", people.Place(PROJECT, ACCOUNT, REGION, "aws"))
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    given = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    session, at = boto3.session.Session(region_name=REGION, **keys), {"endpoint_url": cloud.url}

    def make(service: str, **config: Any) -> Any:
        return session.client(service, config=Config(proxies={}, **config), **at)

    table = session.resource("dynamodb", config=Config(proxies={}), **at).Table(layout.ledger(PROJECT))
    return Deployment(PROJECT, ACCOUNT, REGION, make, table)


@pytest.fixture
def of_images() -> dict[str, Any]:
    """The receipt of a run whose rows are pictures."""
    return make_image_receipt()


def put(deployment: Deployment, key: str, rows: Iterable[dict[str, Any]]) -> None:
    body = gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode())
    deployment.client("s3").put_object(Bucket=deployment.bucket, Key=key, Body=body)


def lay_out(deployment: Deployment, receipt: dict[str, Any], rows: int = 40) -> None:
    """Two files of held-out pictures. All but every fourth are answered wrongly, the later ones with more certainty.

    In the first file the last ten have another label, which the second corrects. Another model answered each wrongly.
    """
    truths = ["good" if number % 2 else "bad" for number in range(rows)]
    pictures: list[dict[str, Any]] = [
        {"id": f"{number:064x}", "features": features("image", f"superb {number}"), "label": truths[number]}
        for number in range(rows)
    ]
    first, second = (source["source"] for source in receipt["data"]["sources"])
    stale = [{**row, "label": "stale"} for row in pictures[-10:]]
    put(deployment, layout.part(1, "test", first), [*pictures[:-10], *stale])
    # Within a file, too, the last row of a picture counts.
    put(deployment, layout.part(1, "test", second), [*stale, *pictures[-10:]])
    other = {"good": "bad", "bad": "good"}
    answers = [
        {
            "id": row["id"],
            "artifact": receipt["artifact"],
            "label": row["label"] if number % 4 == 0 else other[str(row["label"])],
            "score": 0.5 + number / 100,
        }
        for number, row in enumerate(pictures)
    ]
    before = [{**answer, "artifact": "s3://another", "label": "stale", "score": 1.0} for answer in answers]
    put(deployment, layout.run_file(receipt["run"], "predictions.jsonl.gz"), [*answers, *before])


def test_the_surest_mistakes_are_found(deployment: Deployment, of_images: dict[str, Any]) -> None:
    lay_out(deployment, of_images)
    found = mistaken(deployment, of_images)
    wrong = [number for number in range(40) if number % 4]
    assert [item.score for item in found] == [0.5 + number / 100 for number in wrong[::-1][:MOST]]
    assert all({item.label, item.answer} == {"good", "bad"} for item in found)
    for item in found:
        with Image.open(io.BytesIO(b64decode(item.picture.partition(",")[2]))) as image:
            assert max(image.size) <= SIDE


def test_a_large_picture_becomes_a_small_one(deployment: Deployment, of_images: dict[str, Any]) -> None:
    lay_out(deployment, of_images)
    body = io.BytesIO()
    Image.effect_noise((512, 300), 50).save(body, "PNG")
    source = of_images["data"]["sources"][1]["source"]
    row = {"id": f"{39:064x}", "features": {"image": b64encode(body.getvalue()).decode()}, "label": "good"}
    put(deployment, layout.part(1, "test", source), [row])
    first = mistaken(deployment, of_images)[0]
    with Image.open(io.BytesIO(b64decode(first.picture.partition(",")[2]))) as image:
        assert image.size == (SIDE, round(300 * SIDE / 512))


@pytest.fixture
def judged(
    deployment: Deployment, of_images: dict[str, Any], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The receipt of a run that is on record with it; pages are written into a folder of the test's."""
    monkeypatch.chdir(tmp_path)
    lay_out(deployment, of_images)
    deployment.ledger.save_run(run)
    body = json.dumps(of_images).encode()
    key = layout.run_file(run.run, "receipt.json")
    deployment.client("s3").put_object(Bucket=deployment.bucket, Key=key, Body=body)
    return of_images


def page(deployment: Deployment) -> tuple[str, str]:
    """The page of the newest run, and what the command says beside it."""
    said = io.StringIO()
    return report.write(deployment, None, Console(file=said, width=1000)).read_text(encoding="utf-8"), said.getvalue()


@pytest.mark.usefixtures("judged")
def test_the_page_shows_them(deployment: Deployment) -> None:
    text, said = page(deployment)
    assert text.count("data:image/png;base64,") == MOST
    assert "Answered wrongly" in Page(text).texts
    assert "without pictures" not in said


@pytest.mark.usefixtures("judged")
def test_who_may_read_no_rows_has_a_page_without(as_reader: Deployment) -> None:
    text, said = page(as_reader)
    assert "data:image" not in text
    assert "<h2>Labels</h2>" in text
    assert "The page is without pictures. AWS refused GetObject" in said


def test_of_other_rows_nothing_is_read(as_reader: Deployment, receipt: dict[str, Any]) -> None:
    assert mistaken(as_reader, receipt) == []
