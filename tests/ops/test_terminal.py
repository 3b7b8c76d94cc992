"""Whatever data, labels, names, reasons and causes say, every command shows it as text and nothing else happens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import boto3
import botocore.loaders
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import layout
from domain.data.dataset import Hold, Source
from domain.printable import printable
from lambdas import environment
from lambdas.environment import Environment
from lambdas.model import hosting
from local.cloud import LocalCloud
from ops.__main__ import app, main
from tests.hostile import HOSTILE, effects
from tests.lambdas.project import Project, until
from tests.ops.conftest import make_receipt
from tests.ops.test_report import Page
from tests.tiny_model import tiny_artifact

pytestmark = pytest.mark.slow

RUN = "0123456789ab"
ALL = " ".join(HOSTILE.values())
LIVE = "111111111111"
# What each command is given, in turn; {} is the text, FILE a file of that name or of any name that can be one.
COMMANDS: dict[str, list[list[str]]] = {
    "runs": [["runs"], ["runs", "--project", "{}"], ["runs", "--last", "{}"]],
    "explain": [["explain", RUN], ["explain", RUN, "--html"], ["explain", "{}"]],
    "held": [["held"], ["held", "{}"]],
    "watch": [["watch", RUN], ["watch", "{}", "--wait", "0"]],
    "predict": [
        ["predict", "{}"],
        ["predict", "{}", "good", "--top", "99"],
        ["predict", "--file", "FILE"],
        ["predict", "--file", "no such {}.csv"],
    ],
    "drop": [["drop", "FILE"], ["drop", "FILE", "--as", "{}"], ["drop", "no such {}.csv"], ["drop", "FILE", "FILE"]],
    "release": [["release", "{}"], ["release", "no such {}"]],
    "withdraw": [["withdraw", "{}"], ["withdraw", "no such {}"]],
    "retrain": [["retrain", "--reason", "{}"]],
    "approve": [["approve", "{}"], ["approve", RUN]],
    "rollback": [["rollback", "--reason", "{}"], ["rollback", "--to", "{}"], ["rollback", "--list"]],
    "promote": [["promote", RUN, "--reason", "{}"], ["promote", "{}", "--reason", "{}"]],
    "local": [
        ["local", "--overlay", "no such {}"],
        ["local", "--port", "{}"],
        ["local", "--demo-settings", "{}"],
        ["local", "--task", "{}"],
    ],
    "demo": [["demo", "{}"], ["demo", "--{}"], ["demo", "--task", "{}"]],
    "policy": [["policy", "{}"], ["policy", "reader", "--project", "{}"]],
    "doctor": [["doctor", "--project", "{}"], ["doctor", "--{}"]],
    "destroy": [["destroy"], ["destroy", "{}"], ["destroy", "--{}"]],
    "prepare-data": [["prepare-data", "/dev/null/{}"], ["prepare-data", "x", "{}"], ["prepare-data", "--task", "{}"]],
}
Type = Callable[[list[str], str], str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project, found as a person's environment leads to it, with a live model of hostile labels."""
    folder = tmp_path_factory.mktemp("terminal")
    with (
        LocalCloud(auth=False).start(folder / "cloud") as cloud,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        # Each command has a session of its own, which would read the services' models anew.
        patch.setattr(botocore.loaders, "create_loader", cache(botocore.loaders.create_loader))
        _forget_clients()
        clients = cache(boto3.session.Session().client)
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
        role = clients("iam").create_role(RoleName="everything", AssumeRolePolicyDocument=json.dumps(trust))
        made = Project.create(clients, patch, role["Role"]["Arn"])
        patch.setenv("MLOPS_PROJECT", made.name)
        artifact = tiny_artifact(folder / "model", sorted(HOSTILE.values()), run=LIVE)
        env = Environment.read()
        hosting.converge(env, env.endpoint, hosting.ensure_config(env, LIVE, made.seal(artifact)))
        made.endpoint("InService")
        yield made
    _forget_clients()


def _forget_clients() -> None:
    for maker in (environment._session, environment._table, environment._client):
        maker.cache_clear()


def tell(project: Project, text: str, key: str = "") -> None:
    """All that a project keeps says `text`: its newest run, the run's receipt, a held file called `key` or so."""
    key = key or f"x{text.replace('/', '-')}"
    known = [run for run in project.env.ledger.runs() if run.reason == text]
    execution = known[0].execution if known else project.start("fail", error="Broken", cause=text)
    project.run(execution, run=RUN, started="t9", reason=text, sentence=text, labels=text, judged="keep", package=text)
    receipt = json.dumps(make_receipt(wrong=40)).replace("good", json.dumps(text)[1:-1])
    receipt = receipt.replace("reviews-1.csv", json.dumps(text)[1:-1])
    project.client("s3").put_object(Bucket=project.bucket, Key=layout.run_file(RUN, "receipt.json"), Body=receipt)
    project.drop(key, "text,label\n")
    found = project.client("s3").head_object(Bucket=project.bucket, Key=f"{layout.LANDING}{key}")
    source = Source.of(f"{layout.LANDING}{key}", found["ETag"], "2026-11-22T10:00:00+00:00")
    project.env.ledger.hold(Hold(source, RUN, text))


@pytest.fixture
def typed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type a command with a text in it; what it prints. It ends by itself, well or with a sentence."""
    monkeypatch.chdir(tmp_path)

    def run(command: list[str], text: str) -> str:
        try:
            (tmp_path / text).write_text("text,label\n")
            name = text
        except (OSError, ValueError):
            name = "other.csv"
            (tmp_path / name).write_text("text,label\n")
        arguments = [part.replace("FILE", name).replace("{}", text) for part in command]
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code in (0, 1, 2)
        shown = capsys.readouterr()
        return shown.out + shown.err

    return run


def test_every_command_is_here() -> None:
    assert sorted(str(command.name) for command in app.registered_commands) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(project: Project, typed: Type, command: str, text: str) -> None:
    tell(project, text)
    shown = typed(COMMANDS[command][0], text)
    assert effects(shown) == []
    if command in ("explain", "predict", "retrain"):
        assert printable(text) in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_in_every_way_to_type_a_command(project: Project, typed: Type, command: str) -> None:
    tell(project, ALL, "all.csv")
    for way in COMMANDS[command]:
        assert effects(typed(way, ALL)) == [], way


def test_in_colour_nothing_but_colour_is_added(project: Project, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    tell(project, ALL, "all.csv")
    for command in ("runs", "held", "explain", "predict"):
        shown = typed(COMMANDS[command][0], ALL)
        assert "\x1b[" in shown, command
        assert effects(re.sub(r"\x1b\[[0-9;]*m", "", shown)) == [], command


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_page_shows_it_and_does_nothing(project: Project, typed: Type, tmp_path: Path, text: str) -> None:
    tell(project, text)
    typed(["explain", RUN, "--html"], text)
    written = (tmp_path / ".local" / f"run-{RUN}.html").read_text(encoding="utf-8")
    assert effects(written) == []
    assert "<script" not in written
    assert printable(text) in Page(written).texts


@pytest.mark.parametrize("command", ["release", "withdraw"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_file_is_named_by_what_is_shown_of_it(project: Project, typed: Type, text: str, command: str) -> None:
    key = f"{command}-{text}".replace("/", "-")
    tell(project, text, key)
    said = typed([command, printable(key)], text)
    assert said.startswith(("Released", "Withdrew")), said
    held = [hold.source.key for hold in project.env.ledger.held().values()]
    left = held if command == "release" else project.listed(layout.LANDING)
    assert f"{layout.LANDING}{key}" not in left


# A shell's argument has no NUL, and half of a surrogate pair is in no data.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(text=TEXTS, command=st.sampled_from(sorted(COMMANDS)))
def test_any_text_through_any_command(project: Project, typed: Type, text: str, command: str) -> None:
    tell(project, text)
    for way in COMMANDS[command]:
        assert effects(typed(way, text)) == [], way


@pytest.mark.parametrize("command", COMMANDS)
def test_bytes_that_are_no_text(project: Project, typed: Type, command: str) -> None:
    """A shell's argument may be any bytes; Python holds what is not UTF-8 in them as halves of surrogate pairs."""
    shown = typed(COMMANDS[command][-1], "a\udcff.csv")
    assert effects(shown) == []


def test_withdraw_and_release_leave_what_they_do_not_mean(project: Project, typed: Type) -> None:
    project.drop("kept.csv", "text,label\n")
    assert "there is no landing/ept.csv" in typed(["withdraw", "ept.csv"], "x")
    assert "name a source" in typed(["release", ""], "x")
    assert until(lambda: "landing/kept.csv" in project.listed(layout.LANDING))
