"""The credentials, the region and its bootstrap: each fault is put into a local cloud."""

from __future__ import annotations

import pytest

from local.cloud import ACCOUNT, REGION
from ops.doctor import account, bootstrap
from ops.doctor.finding import Level
from ops.doctor.surroundings import Surroundings
from tests.ops.doctor.conftest import SETTINGS, levels, only


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


def test_the_bootstrap_stack_and_its_version(about: Surroundings) -> None:
    missing = only(bootstrap.version(about))
    assert missing.level is Level.WRONG
    assert f"cdk bootstrap aws://{ACCOUNT}/{REGION}" in missing.fix
    ssm = about.client("ssm")
    for value, level in (("6", Level.WRONG), ("8", Level.FINE), ("30", Level.FINE)):
        ssm.put_parameter(Name=bootstrap.PARAMETER, Value=value, Type="String", Overwrite=True)
        assert only(bootstrap.version(about)).level is level, value
    ssm.delete_parameter(Name=bootstrap.PARAMETER)
