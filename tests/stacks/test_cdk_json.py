"""A wrong setting is refused at synth, by its name, with its value and what is allowed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.build import context
from stacks.cdk_json import SettingsError, merge, parse, read_overlay
from stacks.paths import ROOT
from tasks.settings import of

WRONG = [
    ({"training": {"instance_typ": "ml.g5.xlarge"}}, "training.instance_typ is not a setting", "'instance_type'"),
    ({"trainin": {}}, "trainin is not a setting", "'training'"),
    ({"task": "poetry"}, 'task is "poetry"', "must be one of image, tabular, tabular-regression, text"),
    ({"gate": {"max_mae": 1.0}}, "gate.max_mae is for regression", "leave it out"),
    ({"zzz": 1}, "zzz is not a setting", "data, gate, notify_email, operations, project, screen, serving, task"),
    ({"gate": {"min_accuracy": 75}}, "gate.min_accuracy is 75", "a number from 0 to 1"),
    ({"data": {"test_percent": 0}}, "data.test_percent is 0", "a whole number from 1 to 40"),
    ({"data": {"test_percent": "10"}}, 'data.test_percent is "10"', "a whole number from 1 to 40"),
    ({"data": {"min_train_rows": True}}, "data.min_train_rows is true", "a whole number from 2 or more"),
    ({"data": {"features": []}}, "data.features is []", "a list of 1 to 256 texts"),
    ({"data": {"features": None}}, "data: features must be a list of names", "this task reads texts"),
    ({"data": {"types": {"text": "category"}}}, "data: features must be a list of names", "and types null"),
    ({"data": {"types": {"texts": "category"}}}, "data: types must be of features", "got 'texts'"),
    ({"data": {"types": {"text": "date"}}}, 'data.types.text is "date"', "one of number, category"),
    ({"data": {"types": 3}}, "data.types is 3", "an object, each of whose values is one of number, category or null"),
    ({"data": {"features": [3]}}, "data.features.0 is 3", "text"),
    ({"data": {"labels": ["a"]}}, 'data.labels is ["a"]', "a list of 2 to 200 texts or null"),
    ({"data": {"labels": ["a", 3]}}, "data.labels.1 is 3", "text"),
    ({"data": {"labels": ["a", "b "]}}, "data: labels must be different", "got 'b '"),
    ({"data": {"labels": [f"a long label {n}" for n in range(150)]}}, "the settings have", "leave data.labels null"),
    ({"data": {"group": 3}}, "data.group is 3", "text or null"),
    ({"training": {"spot": "false"}}, 'training.spot is "false"', "true or false"),
    ({"training": {"hyperparameters": {"learning_rate": 0}}}, "learning_rate is 0", "a number above 0 to 1"),
    ({"serving": {"memory_mb": 4096}}, "serving.memory_mb is 4096", "one of 1024, 2048, 3072"),
    ({"project": "Has_Underscore"}, 'project is "Has_Underscore"', "text of 2 to 20 characters that matches"),
    ({"gate": 3}, "gate is 3", "an object with"),
    ({"training": {"max_run_seconds": 9000, "max_wait_seconds": 8000}}, "training", "at least max_run_seconds"),
    ({"serving": {"provisioned_concurrency": 9}}, "serving", "at most max_concurrency"),
    ({"serving": {"image": "my-image:latest"}}, "serving.image", "the URI of an ECR image with its tag or digest"),
    ({"training": {"image": "build"}}, "training.image", '"auto" or the URI of an ECR image with its tag or digest'),
    ({"training": {"base_model": "s3://bucket/prefix"}}, "training.base_model", "s3://bucket/prefix/"),
]


@pytest.mark.parametrize(("settings", "named", "allowed"), WRONG, ids=[case[1] for case in WRONG])
def test_a_wrong_setting_is_named(settings: dict[str, Any], named: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(settings)
    message = str(caught.value)
    assert named in message
    assert allowed in message
    assert "pydantic" not in message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"gate": {"min_accuracy": 2, "margn": 0.1}, "data": {"epoch": 0}})
    assert len(str(caught.value).splitlines()) == 4


def test_cdk_json_as_it_comes_is_the_defaults() -> None:
    """It has what each user has to look at; docs/settings.md has the rest."""
    written = context()["settings"]
    assert set(written) == {"project", "notify_email", "data"}
    assert parse(written) == of("text")()


def test_an_ecr_image_is_taken() -> None:
    image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/serving:1.2"
    assert parse({"serving": {"image": image}}).serving.image == image


def test_an_ecr_image_to_train_in_is_taken() -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.9.0-transformers5.3.0"
    assert parse({"training": {"image": image}}).training.image == image


def test_a_base_model_at_hand_that_reads_too_little_is_refused(tmp_path: Path) -> None:
    training = {"base_model": str(tmp_path), "hyperparameters": {"max_length": 128}}
    (tmp_path / "config.json").write_text('{"model_type": "bert", "max_position_embeddings": 64}')
    with pytest.raises(SettingsError, match=r"positions for 64 tokens and .*max_length is 128: set that to 64 or less"):
        parse({"training": training})
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 64}')
    assert parse({"training": training}), "its tokenizer makes no more of any text"
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "config.json").write_text('{"model_type": "bert", "max_position_embeddings": 128}')
    assert parse({"training": training}).training.base_model == str(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(SettingsError, match=r"config\.json cannot be read as JSON"):
        parse({"training": training})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


OBJECT = st.dictionaries(st.text(max_size=3), JSON, max_size=3)


@given(OBJECT, OBJECT)
def test_an_overlay_replaces_what_it_names_and_nothing_else(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(base, over)
    assert merge(merged, over) == merged
    assert merged.keys() == base.keys() | over.keys()
    for key in base.keys() - over.keys():
        assert merged[key] == base[key]
    for key, value in over.items():
        assert isinstance(value, dict) or merged[key] == value


@pytest.mark.parametrize(("content", "why"), [("{", "cannot be read as JSON"), ("[1]", "must hold a JSON object")])
def test_an_overlay_that_is_none_is_named(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "overlay.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=why):
        read_overlay(path)
    with pytest.raises(SettingsError, match=r"missing\.json"):
        read_overlay(tmp_path / "missing.json")


def test_the_app_says_it_in_words_not_in_a_traceback(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.json"
    overlay.write_text('{"gate": {"min_accuracy": 75}}')
    values = {"CDK_CONTEXT_JSON": json.dumps({"overlay": str(overlay)}), "CDK_OUTDIR": str(tmp_path / "out")}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **values},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "gate.min_accuracy is 75, but must be a number from 0 to 1" in done.stderr
    assert "Traceback" not in done.stderr
