"""What a person types: every command explains itself, and what goes wrong is said in plain words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from ops.drop import key_for
from ops.errors import Unusable

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "local", "demo", "drop", "watch", "runs", "explain", "predict", "retrain", "held", "release", "withdraw", "approve",
    "rollback", "promote", "policy", "doctor", "destroy", "prepare-data",
)  # fmt: skip


def mlops(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing of AWS in its environment but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLOPS_"))}
    nowhere = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments], cwd=ROOT, env={**kept, **nowhere, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Usage: mlops {command}" in " ".join(result.output.split())


def test_no_command_is_missing_here() -> None:
    assert sorted(str(command.name) for command in app.registered_commands) == sorted(COMMANDS)


def test_without_a_region() -> None:
    result = mlops("runs")
    assert result.returncode == 2
    assert "No AWS region" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_credentials() -> None:
    result = mlops("runs", AWS_REGION="us-east-1")
    assert result.returncode == 2
    assert "No AWS credentials" in result.stderr
    assert "mlops local" in result.stderr


def test_with_no_cloud_at_the_given_address() -> None:
    given = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    result = mlops("held", AWS_ENDPOINT_URL="http://127.0.0.1:9", **given)
    assert result.returncode == 2
    assert "is the local cloud still running?" in result.stderr


def test_prepare_data_says_what_it_wrote_and_the_format(tmp_path: Path) -> None:
    result = mlops("prepare-data", str(tmp_path / "made"))
    assert result.returncode == 0
    assert all(path.name in result.stdout for path in (tmp_path / "made").iterdir())
    assert '{"text": "a warm, funny film", "label": "positive"}' in result.stdout


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("reviews.csv", "landing/reviews.csv"),
        ("landing/2026/reviews.csv", "landing/2026/reviews.csv"),
        ("mes avis +1%.csv", "landing/mes avis +1%.csv"),
    ],
)
def test_a_name_becomes_a_landing_key(name: str, key: str) -> None:
    assert key_for(name) == key


@pytest.mark.parametrize("name", ["", "/", "landing/", ".", "a\nb.csv"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Unusable):
        key_for(name)
