"""Nobody else's: what a web page, another program or a role of the local cloud sends to it over HTTP, and gets.

Each of these was seen to succeed without `local/ministack/front.py`: it reset the cloud, or acted as its root.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import boto3
import psutil
import pytest
from botocore.config import Config

from local.cloud import REGION, LocalCloud
from local.control import Control
from tests.local import builders
from tests.local.conftest import SETTINGS
from tests.local.test_hosting import config, endpoint
from tests.local.test_requests import as_role

PAGE = "https://evil.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud of its own, which these attacks may ruin, with an object in it."""
    settings = {**SETTINGS, "LOCAL_SAGEMAKER_IDLE_SECONDS": "300", "LOCAL_FAULTS": "1"}
    with LocalCloud(settings=settings).start(tmp_path_factory.mktemp("foreign")) as cloud:
        cloud.client("s3").create_bucket(Bucket=builders.BUCKET)
        builders.put(cloud, "mine", b"private")
        yield cloud


def send(
    cloud: LocalCloud, method: str, path: str, headers: dict[str, str], body: str = "", port: int = 0
) -> tuple[int, bytes]:
    """What a browser would: the headers as they are, no signature. (status, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port or cloud.port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def signed_for(key: str, service: str) -> dict[str, str]:
    """Query parameters that name a key, with a signature that nobody made."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key}/{now[:8]}/{REGION}/{service}/aws4_request",
        "X-Amz-Date": now,
        "X-Amz-Expires": "600",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
    }


def authorization(key: str, service: str) -> dict[str, str]:
    """The header that says the same."""
    query = signed_for(key, service)
    words = f"Credential={query['X-Amz-Credential']}, SignedHeaders=host, Signature={query['X-Amz-Signature']}"
    return {"Authorization": f"AWS4-HMAC-SHA256 {words}", "X-Amz-Date": query["X-Amz-Date"]}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/_ministack/reset", {"Origin": PAGE, **FORM}, "a=b"),
        ("POST", "/_ministack/reset", {"Origin": "null", **FORM}, "a=b"),
        ("POST", "/_ministack/reset", FORM, ""),
        ("POST", "/_ministack/config", {"Origin": PAGE}, '{"stepfunctions._SFN_WAIT_SCALE": 0}'),
        ("POST", "/_ministack/config", {}, '{"stepfunctions._SFN_WAIT_SCALE": 0}'),
        ("PUT", "/_local/faults", {}, '[{"do": "error"}]'),
        ("POST", "/_local/sagemaker/training-jobs/any/interrupt", FORM, ""),
        ("GET", "/_local/sagemaker/endpoints/any", {}, ""),
        ("GET", "/_ministack/health", {}, ""),
        ("GET", "/health", {}, ""),
        ("GET", "/_ministack/sqs/messages", {}, ""),
        ("GET", "/_ministack/lambda-code/any", {}, ""),
        ("GET", "/", {}, ""),
        ("OPTIONS", f"/{builders.BUCKET}/mine", {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}, ""),
    ],
)
def test_what_a_page_sends_is_refused_and_does_nothing(
    cloud: LocalCloud, method: str, path: str, headers: dict[str, str], body: str
) -> None:
    status, said = send(cloud, method, path, headers, body)
    assert status == 403, said
    assert not re.search(rb"available|ListAllMyBuckets|applied", said)
    assert builders.get(cloud, "mine") == b"private"


def test_a_name_of_a_page_that_leads_here_gets_nothing(cloud: LocalCloud) -> None:
    """DNS rebinding: for the browser it is the page's own server, so it may read the answer."""
    for host in (f"evil.example:{cloud.port}", "evil.example", f"127.0.0.1.evil.example:{cloud.port}", "127.0.0.1", ""):
        status, said = send(cloud, "GET", "/", {"Host": host})
        assert (status, b"ListAllMyBuckets" in said) == (403, False)
    # Signed as it has to be, but under a foreign name.
    for host in ("evil.example", f"evil.example:{cloud.port}"):
        url = presigned(cloud).replace(f"127.0.0.1:{cloud.port}", host)
        assert send(cloud, "GET", re.sub(r"^http://[^/]*", "", url), {"Host": host})[0] == 403


@pytest.mark.parametrize("key", ["test", "000000000000", "111111111111", "the cloud's own"])
def test_an_images_address_does_not_act_as_root(cloud: LocalCloud, key: str) -> None:
    """`<img src="http://127.0.0.1:4566/?Action=DeleteTopic&…">`: no Origin, and credentials that need no header."""
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="announcements")["TopicArn"]
    named = cloud.environment()["AWS_ACCESS_KEY_ID"] if key.startswith("the") else key
    query = urlencode({"Action": "DeleteTopic", "TopicArn": topic, **signed_for(named, "sns")})
    status, said = send(cloud, "GET", f"/?{query}", {})
    assert status == 403, said
    assert [found["TopicArn"] for found in sns.list_topics()["Topics"]] == [topic]


@pytest.mark.parametrize("key", ["test", "000000000000", "the cloud's own"])
def test_a_key_without_its_secret_is_nobodys(cloud: LocalCloud, key: str) -> None:
    """Any process of this machine could be root by the word "test", a training job with a malicious model, too."""
    named = cloud.environment()["AWS_ACCESS_KEY_ID"] if key.startswith("the") else key
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    status, said = send(cloud, "POST", "/", {**authorization(named, "dynamodb"), **target}, "{}")
    assert (status, b"TableNames" in said) == (403, False)
    # Nor beside a signature that is good: what signs must be what is asked for.
    query = urlencode(signed_for("test", "dynamodb"))
    assert send(cloud, "POST", f"/?{query}", {**authorization(named, "dynamodb"), **target}, "{}")[0] == 403


def test_a_request_is_what_was_signed(cloud: LocalCloud) -> None:
    url = presigned(cloud)
    path = re.sub(r"^http://[^/]*", "", url)
    assert send(cloud, "GET", path, {}) == (200, b"private")
    for other in (path.replace("/mine?", "/other?"), re.sub(r"Signature=.", "Signature=x", path), path + "&acl="):
        assert send(cloud, "GET", other, {})[0] == 403
    assert send(cloud, "PUT", path, {}, "changed")[0] == 403
    assert send(cloud, "GET", path, {"Origin": PAGE})[0] == 403
    late = presigned(cloud, seconds=-1)
    assert send(cloud, "GET", re.sub(r"^http://[^/]*", "", late), {})[0] == 403


def presigned(cloud: LocalCloud, seconds: int = 60) -> str:
    s3, at = cloud.client("s3", signature_version="s3v4"), {"Bucket": builders.BUCKET, "Key": "mine"}
    return str(s3.generate_presigned_url("get_object", Params=at, ExpiresIn=seconds))


def test_the_control_routes_take_no_roles_signature(cloud: LocalCloud) -> None:
    """Else a function or a training job could reset what enforces its rights."""
    role = builders.role(cloud, "everything", builders.allow("*"), service="lambda")
    credentials = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
    assert as_role(cloud, role, "s3").list_buckets()["Buckets"], "it may do all that AWS has"
    control = Control(cloud.url, REGION, credentials["AccessKeyId"], credentials["SecretAccessKey"])
    for path in ("/_ministack/reset", "/_local/faults", "/_ministack/config"):
        assert control.ask("POST", path)[0] == 403
    assert cloud.went_wrong() == [], "the cloud itself may ask"


def test_the_names_of_this_machine_and_every_way_to_sign_still_work(cloud: LocalCloud) -> None:
    keys = cloud.environment()
    session = boto3.session.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    config = Config(proxies={}, s3={"addressing_style": "path"})
    for host in ("127.0.0.1", "localhost"):
        s3 = session.client("s3", endpoint_url=f"http://{host}:{cloud.port}", config=config)
        for key in ("plain", "a b+100% ü/ü.csv"):
            s3.put_object(Bucket=builders.BUCKET, Key=key, Body=b"x" * 100_000, Metadata={"by": "me"})
            assert s3.get_object(Bucket=builders.BUCKET, Key=key)["Body"].read() == b"x" * 100_000
    assert session.client("sqs", endpoint_url=cloud.url, config=Config(proxies={})).list_queues()
    request = urllib.request.Request(presigned(cloud))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    assert opener.open(request, timeout=10).read() == b"private"


# ---- every other socket --------------------------------------------------------------


def test_all_that_listens_is_on_loopback_and_takes_no_web_page(cloud: LocalCloud, tmp_path: Path) -> None:
    """The real model server, too: the only other process that opens a port."""
    role = builders.role(cloud, builders.unique("serving"), builders.allow("*"))
    endpoint(cloud, config(cloud, role, answer="x"))
    found = {
        (socket.laddr.ip, socket.laddr.port)
        for process in cloud.processes()
        for socket in psutil.Process(process).net_connections("tcp")
        if socket.status == psutil.CONN_LISTEN
    }
    assert len(found) == 2
    assert {address for address, _ in found} == {"127.0.0.1"}
    assert cloud.port in {port for _, port in found}


def test_a_custom_resource_answers_by_its_token_alone(cloud: LocalCloud) -> None:
    """CloudFormation's presigned URL, which is a path with a random token here: unsigned, but not for a web page."""
    path = "/_ministack/cfn-response/00000000-0000-4000-8000-000000000000"
    assert send(cloud, "PUT", path, {}, json.dumps({"Status": "SUCCESS"}))[0] == 200
    assert send(cloud, "PUT", path, {"Origin": PAGE}, "{}")[0] == 403
    for method, other in [("POST", path), ("GET", path), ("PUT", f"{path}/../../reset"), ("PUT", "/_ministack/reset")]:
        assert send(cloud, method, other, {}, "{}")[0] == 403
