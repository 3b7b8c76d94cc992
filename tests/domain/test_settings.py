"""Settings: what a user may write in cdk.json, and that anything else is refused by name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from domain.settings import Kind, Settings, check


def test_settings_survive_a_function_s_environment() -> None:
    settings = Settings.model_validate({"project": "shop", "data": {"features": ["title", "body"]}})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"projct": "x"}, "projct"),
        ({"data": {"lable": "x"}}, "data.lable"),
        ({"project": "Shop"}, "project"),
        ({"project": "a_b"}, "project"),
        ({"project": "shop-"}, "project"),
        ({"project": "a" * 21}, "project"),
        ({"notify_email": "nobody"}, "notify_email"),
        ({"data": {"features": []}}, "data.features"),
        ({"data": {"features": [f"длинное имя {n}" for n in range(100)]}}, "data"),
        ({"training": {"base_model": "m" * 1900}}, "training"),
        ({"training": {"base_model": ""}}, "training.base_model"),
        ({"data": {"features": ["text"], "label": "text"}}, "data"),
        ({"data": {"group": "label"}}, "data"),
        ({"data": {"slice": "label"}}, "data"),
        ({"data": {"labels": ["pos"]}}, "data.labels"),
        ({"data": {"labels": ["pos", "pos"]}}, "data"),
        ({"data": {"labels": ["pos", " neg"]}}, "data"),
        ({"data": {"labels": ["pos", ""]}}, "data"),
        ({"data": {"test_percent": 0}}, "data.test_percent"),
        ({"data": {"epoch": 0}}, "data.epoch"),
        ({"data": {"max_rejected_fraction": 1.5}}, "data.max_rejected_fraction"),
        ({"training": {"instance_type": "g4dn.xlarge"}}, "training.instance_type"),
        ({"training": {"spot": True, "max_run_seconds": 7200, "max_wait_seconds": 3600}}, "training"),
        ({"gate": {"min_accuracy": 75}}, "gate.min_accuracy"),
        ({"gate": {"min_test_rows": 100, "max_test_rows": 99}}, "gate"),
        ({"gate": {"max_mae": -1}}, "gate.max_mae"),
        ({"gate": {"min_r2": 1.1}}, "gate.min_r2"),
        ({"gate": {"max_rmse": float("inf")}}, "gate.max_rmse"),
        ({"serving": {"memory_mb": 4096}}, "serving.memory_mb"),
        ({"serving": {"max_concurrency": 201}}, "serving.max_concurrency"),
        ({"serving": {"max_concurrency": 2, "provisioned_concurrency": 3}}, "serving"),
        ({"operations": {"log_retention_days": 8}}, "operations.log_retention_days"),
        ({"operations": {"max_attempts": 0}}, "operations.max_attempts"),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_its_place(given: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(given)
    assert [".".join(map(str, error["loc"])) for error in refused.value.errors()] == [where]


def test_on_demand_training_need_not_wait_longer_than_it_runs() -> None:
    training = {"spot": False, "max_run_seconds": 7200, "max_wait_seconds": 3600}
    assert Settings.model_validate({"training": training}).training.max_wait_seconds == 3600


def test_an_epoch_freezes_what_decides_ids_and_splits_and_nothing_else() -> None:
    frozen = Settings().data.frozen()
    assert json.loads(json.dumps(frozen)) == frozen
    assert set(Settings().data.model_dump()) - set(frozen) == {
        "epoch",
        "quiet_seconds",
        "settle_max_seconds",
        "max_rejected_fraction",
        "min_train_rows",
        "min_label_rows",
    }


def test_the_order_of_allowed_labels_is_no_change() -> None:
    one, other = (Settings.model_validate({"data": {"labels": labels}}) for labels in (["a", "b"], ["b", "a"]))
    assert one.data.frozen() == other.data.frozen()


@pytest.mark.parametrize(
    ("kind", "given", "where"),
    [
        ("regression", {"gate": {"min_accuracy": 0.8}}, "gate.min_accuracy is for classification"),
        ("regression", {"gate": {"min_label_test_rows": 5}}, "gate.min_label_test_rows is for classification"),
        ("regression", {"data": {"labels": ["a", "b"]}}, "data.labels is for classification"),
        ("regression", {"data": {"min_label_rows": 5}}, "data.min_label_rows is for classification"),
    ],
)
def test_a_setting_of_another_kind_of_task_is_refused(kind: Kind, given: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{where}, and the task is one of {kind}: leave it out")):
        check(kind, Settings.model_validate(given))
    check("classification", Settings.model_validate(given))


@pytest.mark.parametrize("name", ["max_mae", "max_rmse", "min_r2"])
def test_a_threshold_of_regression_is_refused_where_labels_are_learned(name: str) -> None:
    numbers = Settings.model_validate({"gate": {name: 0.5}})
    with pytest.raises(ValueError, match=rf"gate\.{name} is for regression, and the task is one of classification"):
        check("classification", numbers)
    check("regression", numbers)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_what_is_left_at_its_default_belongs_to_any_kind(kind: Kind) -> None:
    check(kind, Settings.model_validate_json(Settings().model_dump_json()))
