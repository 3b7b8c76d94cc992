"""Reading an execution's history and a training job's log as a person follows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from domain import metrics
from ops.execution import stages_of
from ops.job import JobView, metrics_in

if TYPE_CHECKING:
    from ops.deployment import Deployment

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def entered(second: int, name: str) -> dict[str, Any]:
    return {"timestamp": START + timedelta(seconds=second), "stateEnteredEventDetails": {"name": name}}


HISTORY = [
    {"timestamp": START},
    entered(0, "Claim"),
    entered(1, "Claimed"),
    entered(1, "Settle"),
    entered(2, "Quiet"),
    entered(2, "WaitForQuiet"),
    entered(60, "Settle"),
    entered(61, "Quiet"),
    entered(61, "Prepare"),
    entered(70, "Train"),
]


def test_waits_and_choices_belong_to_the_step_before_them() -> None:
    stages = stages_of(HISTORY, START + timedelta(seconds=100), over=False)
    assert [(stage.name, stage.seconds) for stage in stages] == [
        ("Claim", 1.0), ("Settle", 60.0), ("Prepare", 9.0), ("Train", 30.0),
    ]  # fmt: skip
    assert [stage.done for stage in stages] == [True, True, True, False]


def test_an_execution_that_has_just_been_started_has_no_steps() -> None:
    assert stages_of(HISTORY[:1], START, over=False) == []


def test_the_last_step_is_done_when_the_execution_is_over() -> None:
    assert all(stage.done for stage in stages_of(HISTORY, START + timedelta(seconds=100), over=True))


def test_a_roll_back_shows_as_a_second_redeploy() -> None:
    history = [
        entered(second, name) for second, name in enumerate(("Redeploy", "Await", "Verify", "RollBack", "Redeploy"))
    ]
    names = [stage.name for stage in stages_of(history, START + timedelta(seconds=9), over=True)]
    assert names == ["Redeploy", "Await", "Verify", "RollBack", "Redeploy"]


def test_metrics_are_read_as_training_prints_them() -> None:
    for key, name in metrics.NAMES.items():
        assert metrics_in(metrics.line(key, 0.125, 40)) == {name: 0.125}
    assert metrics_in("an epoch has ended") == {}


@pytest.mark.parametrize(
    "line",
    [
        "metric train_loss=eEe step=1",
        "metric train_loss=eEe x",
        "metric train_loss=1e999 step=1",
        "labels ['metric validation_accuracy=0.9999 step=1']",
    ],
)
def test_what_is_no_metric_does_not_stop_who_watches(line: str) -> None:
    assert metrics_in(line) == {}


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (
            {
                "train_loss": 0.69314,
                "validation_accuracy": 0.81,
                "validation_macro_f1": 0.8,
                "examples_per_second": 41.7,
            },
            "loss 0.693  accuracy 0.810  macro-F1 0.800  42 rows/s",
        ),
        (
            {"train_loss": 152399025.4, "validation_mae": 12345.6, "validation_rmse": 1e6, "validation_r2": -0.25},
            "loss 152399000  MAE 12346  RMSE 1000000  R² -0.250",
        ),
        ({"train_loss": 0.5, "validation_mae": 0.000123456}, "loss 0.500  MAE 0.0001235"),
    ],
)
def test_a_job_says_how_it_stands_in_the_measures_of_its_task(printed: dict[str, float], shown: str) -> None:
    view = JobView(cast("Deployment", None), "0123456789ab")
    for key, value in printed.items():
        view.metrics |= metrics_in(metrics.line(key, value, 40))
    assert view.summary() == shown
