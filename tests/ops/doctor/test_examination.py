"""All that the doctor looks at, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local.cloud import ACCOUNT, LocalCloud
from ops.__main__ import app
from ops.doctor.examination import Stage, examine
from ops.doctor.finding import Level
from ops.doctor.surroundings import Surroundings
from tests.ops.doctor.conftest import SETTINGS
from tests.ops.quotas_stand_in import SPOT, Quotas


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
