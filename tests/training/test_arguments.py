"""What a person wrote reaches the script as it was written: through a shell, through none, and never as a command."""

from __future__ import annotations

import json
import shlex
import string
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.hyperparameters import OF_EVERY_JOB, chars, decode, encode, of_run, readable
from tasks.text.settings import Hyperparameters
from tests.training.conftest import NewJob
from tests.training.job import ROOT, Job, lay_out, reviews, row, run_toolkit, sourcedir
from training.arguments import Arguments

NEEDED = [
    *("--run_id=r", "--dataset_id=d", "--task=text", f"--base_model={encode('b')}", f"--base_revision={encode('')}"),
    *(
        f"--features={encode(['text'])}",
        *(f"--{name}={value}" for name, value in Hyperparameters()),
    ),
]
# Letters that mean nothing to any shell, wherever in a word they stand.
PLAIN = {*string.ascii_letters, *string.digits, "_", "-", ":"}
HOSTILE = ('a "b" $(touch x); c\'d', "`touch x`", "\ntouch x\n", "\\", "*", "~", "", "--epochs", "名前")


@given(st.text() | st.lists(st.text()))
def test_a_word_has_nothing_for_a_shell_to_read_and_gives_back_what_was_written(value: str | list[str]) -> None:
    word = encode(value)
    assert set(word) <= PLAIN
    assert shlex.split(word) == [word]
    assert decode(word) == value
    assert json.loads(json.dumps(word)) == word
    assert chars(value) == len(json.dumps(word))


@pytest.mark.parametrize("wrong", ["", "text", '["text"]', "base64url:", "base64url:!!", f"base64url:{'A' * 5}"])
def test_what_is_no_encoded_word_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"begin with|not the base64url of JSON"):
        decode(wrong)


def test_only_what_a_person_wrote_is_encoded() -> None:
    given: dict[str, float | str] = {"epochs": 3, "learning_rate": 5e-5, "augment": HOSTILE[0]}
    made = of_run("text", given, base_model="b", base_revision="c", features=HOSTILE)
    assert (made["epochs"], made["learning_rate"]) == ("3", "5e-05")
    assert json.loads(made["features"]) == encode(HOSTILE)
    assert all(set(json.loads(made[name])) <= PLAIN for name in ("base_model", "base_revision", "features", "augment"))


def test_a_receipt_has_it_in_words() -> None:
    made = of_run("text", {"epochs": 3}, base_model="org/naïve", base_revision="c", features=("text",))
    given = {**made, "run_id": '"0123456789ab"', "sagemaker_region": "us-east-1"}
    assert readable(given) == {
        "task": '"text"',
        "epochs": "3",
        "base_model": '"org/naïve"',
        "base_revision": '"c"',
        "features": '["text"]',
        "run_id": '"0123456789ab"',
        # No JSON: the toolkit takes it as it stands.
        "sagemaker_region": "us-east-1",
    }


@pytest.mark.parametrize("wrong", ["text", [], {}, [1]])
def test_features_that_are_no_list_of_names(wrong: object, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Arguments.parse([*NEEDED, f"--features={encode(wrong)}"])
    assert "is not a list of column names" in capsys.readouterr().err


def test_a_job_is_given_what_every_job_is_and_its_task_s_own() -> None:
    assert {field.name for field in fields(Arguments)} == {*OF_EVERY_JOB, "hyperparameters"}


def test_what_is_not_given_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The settings have the defaults (`tasks/text/settings.py`), and nobody else."""
    assert Arguments.parse(NEEDED).hyperparameters.epochs == Hyperparameters().epochs
    with pytest.raises(SystemExit):
        Arguments.parse([word for word in NEEDED if not word.startswith("--epochs")])
    assert "required: --epochs" in capsys.readouterr().err


def test_what_is_not_encoded_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Arguments.parse([*NEEDED, '--features=["text"]'])
    assert "argument --features: '[\"text\"]' does not begin with base64url:" in capsys.readouterr().err


def test_an_unknown_hyperparameter_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Arguments.parse([*NEEDED, "--epoch=3"])
    assert "--epoch" in capsys.readouterr().err


@pytest.fixture(scope="module")
def hostile_job(new_job: NewJob) -> Job:
    """A job whose columns are named by somebody who would like to run a command."""
    job = new_job(features=HOSTILE, epochs=1)
    rows = [
        row(item["features"]["text"], item["label"]) | {"features": dict.fromkeys(HOSTILE, item["features"]["text"])}
        for item in reviews(48, seed=5)
    ]
    lay_out(job.root, {"one": {"train": rows[:32], "validation": rows[32:]}})
    return job


@pytest.mark.slow
def test_through_the_toolkit_of_aws_a_column_s_name_is_data(hostile_job: Job, tmp_path: Path) -> None:
    result = run_toolkit(hostile_job, sourcedir(tmp_path))
    assert result.returncode == 0, result.stdout
    assert json.loads(hostile_job.made("manifest.json").read_bytes())["features"] == list(HOSTILE)
    assert not list(hostile_job.root.rglob("x"))


@pytest.mark.slow
@pytest.mark.parametrize("shell", [True, False])
def test_through_a_shell_and_through_none_the_same_arrives(shell: bool, hostile_job: Job, tmp_path: Path) -> None:
    """As sagemaker-training starts a script up to 5.1.2 and from 5.1.3 on (`process.run_async`)."""
    code = "import json, training.arguments as a; print(json.dumps(a.Arguments.parse().features))"
    command = [sys.executable, "-c", shlex.quote(code) if shell else code, *hostile_job.argv]
    said = subprocess.run(
        " ".join(command) if shell else command,
        shell=shell,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout) == list(HOSTILE)
    assert list(tmp_path.iterdir()) == []
