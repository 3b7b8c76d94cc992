"""Nothing in `make test` can reach AWS by accident."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import urlparse

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from ops.deployment import ROOT
from tests.no_aws import ENVIRONMENT, NOWHERE, ReachedForAwsError

ASK = "import boto3; boto3.client('sts').get_caller_identity()"


@pytest.fixture
def led_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the start: another folder's tests may have led this worker to their local cloud."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)


def test_the_environment_has_no_way_to_aws() -> None:
    ours = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "ACCEPT_", "CDK_DEFAULT_"))}
    assert set(ours) - set(ENVIRONMENT) <= {"AWS_REGION"}
    led = {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}
    assert {name: value for name, value in ours.items() if name not in led} == {
        name: value for name, value in ENVIRONMENT.items() if name not in led
    }
    assert urlparse(ours["AWS_ENDPOINT_URL"]).hostname == "127.0.0.1"


@pytest.mark.usefixtures("led_nowhere")
def test_a_client_that_was_led_nowhere_finds_nobody() -> None:
    with pytest.raises(EndpointConnectionError):
        boto3.client("s3").list_buckets()


def test_a_client_that_was_led_to_aws_is_stopped_before_it_sends() -> None:
    sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
    with pytest.raises(ReachedForAwsError, match=r"sts\.us-east-1\.amazonaws\.com"):
        sts.get_caller_identity()


def test_a_client_without_our_endpoint_is_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(ReachedForAwsError):
        boto3.client("dynamodb").list_tables()


@pytest.mark.usefixtures("led_nowhere")
def test_a_program_that_a_test_starts_finds_nobody() -> None:
    result = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False)
    assert "EndpointConnectionError" in result.stderr


def test_the_credentials_of_whoever_runs_the_tests_are_hidden_and_so_is_the_word_to_spend_money() -> None:
    real = {
        "AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SESSION_TOKEN": "t",
        "AWS_ENDPOINT_URL_STS": "https://sts.amazonaws.com", "ACCEPT_AWS": "1", "ACCEPT_ACCOUNT": "123456789012",
    }  # fmt: skip
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_no_aws.py", "-k", "no_way_to_aws or finds_nobody"],
        cwd=ROOT, env={**os.environ, **real}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith("...  ")
