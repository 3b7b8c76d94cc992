"""The doctor on an account: each fault is put into a local cloud, or into a stand-in where that lacks the service."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from typer.testing import CliRunner

from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.__main__ import app
from ops.deployment import Deployment
from ops.doctor import account, bootstrap, deployed, image, mail, quotas
from ops.doctor.examination import Stage, examine
from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings
from ops.subscription import note
from tasks.settings import of
from tests.ops import quotas_stand_in
from tests.ops.quotas_stand_in import CONCURRENCY, ENDPOINTS, FUNCTIONS, ON_DEMAND, SPOT, Quotas

OCI = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = "cdk-hnb659fds-container-assets"
TEXT = of("text")
SETTINGS = TEXT(serving={"max_concurrency": 4})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def quota_server() -> Iterator[Quotas]:
    with quotas_stand_in.running(Quotas()) as server:
        yield server


@pytest.fixture
def account_quotas(quota_server: Quotas) -> Quotas:
    """The stand-in with enough of everything."""
    quota_server.applied, quota_server.defaults, quota_server.refuses = dict(quotas_stand_in.PLENTY), {}, ""
    return quota_server


@pytest.fixture
def about(cloud: LocalCloud, account_quotas: Quotas, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", account_quotas.url)
    return Surroundings(SETTINGS, ACCOUNT, REGION, boto3.session.Session())


def levels(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.name: str(finding.level) for finding in findings}


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


# ---- credentials and region -------------------------------------------------------


def test_credentials_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    finding, number, _ = account.who()
    assert (finding.level, number) == (Level.WRONG, None)
    assert "AWS_PROFILE" in finding.fix


def test_a_profile_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    finding, _, session = account.who()
    assert (finding.level, session) == (Level.WRONG, None)
    assert "nobody" in finding.sentence


def test_credentials_that_aws_does_not_accept(about: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXPIRED000000000")
    finding, number, _ = account.who()
    assert (finding.level, number) == (Level.WRONG, None), finding
    assert "does not accept" in finding.sentence


def test_credentials_that_hold(about: Surroundings) -> None:
    finding, number, _ = account.who()
    assert (finding.level, number) == (Level.FINE, ACCOUNT)


def test_a_network_that_is_not_there_is_not_known_and_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    finding, number, _ = account.who()
    assert (finding.level, number) == (Level.WARNING, None)
    assert finding.sentence.startswith("Not known")


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (None, {"region": "wrong"}),
        ("mars-north", {"region": "wrong"}),
        ("us-east-1", {"region": "fine", "training image": "fine"}),
        ("mx-central-1", {"region": "fine", "training image": "wrong"}),
    ],
)
def test_the_region(region: str | None, expected: dict[str, str]) -> None:
    assert levels(account.region(region, SETTINGS)) == expected


# ---- bootstrap ----------------------------------------------------------------------


def test_the_bootstrap_stack_and_its_version(about: Surroundings) -> None:
    missing = only(bootstrap.version(about))
    assert missing.level is Level.WRONG
    assert f"cdk bootstrap aws://{ACCOUNT}/{REGION}" in missing.fix
    ssm = about.client("ssm")
    for value, level in (("6", Level.WRONG), ("8", Level.FINE), ("30", Level.FINE)):
        ssm.put_parameter(Name=bootstrap.PARAMETER, Value=value, Type="String", Overwrite=True)
        assert only(bootstrap.version(about)).level is level, value
    ssm.delete_parameter(Name=bootstrap.PARAMETER)


# ---- Service Quotas: only against a stand-in -----------------------------------------------


def test_enough_of_everything(about: Surroundings) -> None:
    found = [
        *quotas.training_and_endpoints(about), *quotas.serverless_concurrency(about), *quotas.lambda_concurrency(about)
    ]  # fmt: skip
    assert set(levels(found)) == {
        "Spot instances", "serverless endpoints", "serverless concurrency", "Lambda concurrency"
    }  # fmt: skip
    assert {finding.level for finding in found} == {Level.FINE}


def test_no_spot_instance(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied[SPOT] = 0
    found = {finding.name: finding for finding in quotas.training_and_endpoints(about)}
    assert found["Spot instances"].level is Level.WRONG
    assert found["Spot instances"].fix.endswith("--service-code sagemaker --quota-code L-944F78BB --desired-value 1")
    assert found["serverless endpoints"].level is Level.FINE


def test_on_demand_counts_where_the_settings_allow_it(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied[ON_DEMAND] = 0
    assert "on-demand instances" not in levels(quotas.training_and_endpoints(about))
    allowed = TEXT.model_validate({"training": {"on_demand_max_usd_per_hour": 1.0}})
    found = levels(quotas.training_and_endpoints(Surroundings(allowed, ACCOUNT, REGION, about.session)))
    assert found == {"Spot instances": "fine", "on-demand instances": "wrong", "serverless endpoints": "fine"}


def test_two_instances_are_twice_as_many(about: Surroundings) -> None:
    two = TEXT.model_validate({"training": {"instance_count": 2}})
    found = levels(quotas.training_and_endpoints(Surroundings(two, ACCOUNT, REGION, about.session)))
    assert found["Spot instances"] == "wrong"


@pytest.mark.parametrize(("value", "level"), [(4, "wrong"), (5, "warning"), (8, "fine")])
def test_serverless_concurrency(about: Surroundings, account_quotas: Quotas, value: float, level: str) -> None:
    account_quotas.applied[CONCURRENCY] = value
    assert levels(quotas.serverless_concurrency(about)) == {"serverless concurrency": level}


def test_one_endpoint_leaves_none_for_the_rehearsal(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied[ENDPOINTS] = 1
    assert levels(quotas.training_and_endpoints(about))["serverless endpoints"] == "wrong"


@pytest.mark.parametrize(("value", "level"), [(0, "wrong"), (10, "warning"), (1000, "fine")])
def test_lambda_concurrency(about: Surroundings, account_quotas: Quotas, value: float, level: str) -> None:
    account_quotas.applied[FUNCTIONS] = value
    assert levels(quotas.lambda_concurrency(about)) == {"Lambda concurrency": level}


def test_a_quota_that_was_never_changed_has_its_default(about: Surroundings, account_quotas: Quotas) -> None:
    for quota in (SPOT, CONCURRENCY):
        del account_quotas.applied[quota]
        account_quotas.defaults[quota] = 0
    assert levels(quotas.training_and_endpoints(about))["Spot instances"] == "wrong"
    assert levels(quotas.serverless_concurrency(about)) == {"serverless concurrency": "wrong"}


def test_a_quota_that_is_not_there_is_not_known(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied.clear()
    found = [*quotas.training_and_endpoints(about), *quotas.serverless_concurrency(about)]
    assert {finding.level for finding in found} == {Level.WARNING}
    assert all(finding.sentence.startswith("Not known") for finding in found)


# ---- the pushed image ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def repository(cloud: LocalCloud) -> str:
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName=REPOSITORY)
    for tag, media_type in (("docker", image.DOCKER), ("oci", OCI), ("odd", "application/x-odd")):
        manifest = json.dumps({"schemaVersion": 2, "mediaType": media_type})
        ecr.put_image(
            repositoryName=REPOSITORY, imageTag=tag, imageManifest=manifest, imageManifestMediaType=media_type
        )
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"


@pytest.mark.parametrize(("tag", "level"), [("docker", "fine"), ("oci", "wrong"), ("odd", "warning")])
def test_the_media_type_of_the_pushed_manifest(about: Surroundings, repository: str, tag: str, level: str) -> None:
    assert levels(image.manifest(about, f"{repository}:{tag}")) == {"manifest": level}


def test_an_oci_manifest_is_deleted_before_it_is_pushed_again(about: Surroundings, repository: str) -> None:
    finding = only(image.manifest(about, f"{repository}:oci"))
    assert f"aws ecr batch-delete-image --registry-id {ACCOUNT}" in finding.fix
    assert "imageTag=oci && make deploy" in finding.fix


def test_an_image_that_is_not_there(about: Surroundings, repository: str) -> None:
    # The local cloud serves without images; AWS does not.
    finding = only(image.manifest(about, f"{repository}:nothing"))
    assert (finding.level, finding.sentence[:9]) == (Level.WARNING, "Not known")


# ---- notifications ---------------------------------------------------------------------------


def test_nobody_is_named(about: Surroundings) -> None:
    assert only(mail.address(about.settings)).level is Level.WARNING
    named = TEXT(notify_email="a@example.org")
    assert "confirmation mail" in only(mail.address(named)).sentence


def mailed(about: Surroundings) -> Surroundings:
    named = TEXT(project="mailed", notify_email="a@example.org")
    return Surroundings(named, ACCOUNT, REGION, about.session)


def listed(arn: str) -> dict[str, Any]:
    """What ListSubscriptionsByTopic says of a mail address."""
    one = {"SubscriptionArn": arn, "Protocol": "email", "Endpoint": "a@example.org", "Owner": "1", "TopicArn": "t"}
    return {"Subscriptions": [one]}


def test_a_topic_or_a_subscription_that_is_not_there(about: Surroundings) -> None:
    assert only(mail.subscription(mailed(about))).level is Level.WRONG, "there is no topic"
    topic = about.client("sns").create_topic(Name="mailed-notices")["TopicArn"]
    absent = only(mail.subscription(mailed(about)))
    assert (absent.level, "is not subscribed" in absent.sentence) == (Level.WARNING, True)
    assert topic in absent.fix
    about.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.org")
    assert only(mail.subscription(mailed(about))).level is Level.FINE


# The local cloud confirms a mail address by itself, so what AWS lists of one that is not is ours.
def test_a_subscription_that_waits_for_its_reader(about: Surroundings) -> None:
    named = mailed(about)
    with Stubber(named.client("sns")) as stub:
        stub.add_response("list_subscriptions_by_topic", listed("PendingConfirmation"))
        waits = only(mail.subscription(named))
    assert (waits.level, "was not clicked" in waits.sentence) == (Level.WARNING, True)


def test_every_command_says_it_as_long_as_it_is_not_confirmed(about: Surroundings) -> None:
    sns = about.client("sns")
    deployment = Deployment("heard", ACCOUNT, REGION, lambda *_, **__: sns, None)
    assert note(deployment) is None, "there is no topic"
    with Stubber(sns) as stub:
        stub.add_response("list_subscriptions_by_topic", listed("PendingConfirmation"))
        assert str(note(deployment)).startswith("a@example.org gets no notifications yet")
        stub.add_response("list_subscriptions_by_topic", listed("arn:aws:sns:us-east-1:000000000000:t:1"))
        assert note(deployment) is None
        stub.add_client_error("list_subscriptions_by_topic", "AuthorizationError")
        assert note(deployment) is None, "a command goes on without the right to ask"


# ---- a stack's status, in words that the local cloud does not reach --------------------------------


@pytest.mark.parametrize(
    ("status", "level"),
    [
        (None, "warning"),
        ("CREATE_COMPLETE", "fine"),
        ("UPDATE_COMPLETE", "fine"),
        ("UPDATE_IN_PROGRESS", "warning"),
        ("UPDATE_ROLLBACK_COMPLETE", "warning"),
        ("UPDATE_ROLLBACK_FAILED", "wrong"),
        ("ROLLBACK_COMPLETE", "wrong"),
        ("DELETE_FAILED", "wrong"),
    ],
)
def test_the_status_of_a_stack(status: str | None, level: str) -> None:
    assert str(deployed.judge_stack("shop", status).level) == level


def test_what_somebody_deleted(about: Surroundings) -> None:
    gone = Surroundings(TEXT(project="gone"), ACCOUNT, REGION, about.session)
    found = [*deployed.machine(gone), *deployed.alarms(gone), *deployed.dead_letters(gone)]
    assert levels(found) == {"machine": "wrong", "alarms": "wrong", "dead letters": "wrong"}
    assert deployed.stack_status(gone) is None


# ---- all of it ---------------------------------------------------------------------------------------


def test_who_may_ask_nothing_is_told_so_and_a_deploy_goes_on(
    about: Surroundings, cloud: LocalCloud, account_quotas: Quotas, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="poor")
    key = iam.create_access_key(UserName="poor")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    account_quotas.refuses = "AccessDeniedException"
    given = SETTINGS.model_copy(update={"serving": SETTINGS.serving.model_copy(update={"image": f"{ACCOUNT}.x/y:1"})})
    for stage in Stage:
        found = [one for one in examine("automate-mlops", given, stage) if one.area not in ("account", "programs")]
        assert found
        assert {one.level for one in found} == {Level.WARNING}, found
        refused = [one for one in found if one.sentence.startswith("Not known: these credentials may not ask")]
        assert refused, stage
        assert all("allow " in one.fix for one in refused)


def test_before_a_deploy_what_may_come_later_stops_nothing(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied[SPOT] = 0
    before = {one.name: one for one in examine("automate-mlops", SETTINGS, Stage.BEFORE_DEPLOY)}
    whole = {one.name: one for one in examine("automate-mlops", SETTINGS, Stage.ALL)}
    for name in ("Spot instances", "version"):
        assert (before[name].level, whole[name].level) == (Level.WARNING, Level.WRONG)
        assert before[name].fix == whole[name].fix != ""
    assert before["address"].level is Level.WARNING


@pytest.mark.parametrize("option", [[], ["--before-deploy"]])
def test_the_command_ends_with_1_if_something_is_wrong(
    about: Surroundings, option: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CDK_DOCKER", str(tmp_path / "no-docker"))
    result = CliRunner().invoke(app, ["doctor", "--json", *option])
    said: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, said["level"]) == (1, "wrong")
    assert {"area": "docker", "name": "daemon", "level": "wrong"}.items() <= next(
        one for one in said["findings"] if one["area"] == "docker"
    ).items()


def test_the_command_ends_with_0_if_there_are_only_warnings(about: Surroundings) -> None:
    about.client("sns").create_topic(Name="automate-mlops-notices")
    result = CliRunner().invoke(app, ["doctor", "--after-deploy"])
    assert result.exit_code == 0, result.output
    assert "Nobody hears of a failure" in result.output
