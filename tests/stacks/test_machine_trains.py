"""What the machine does with a training job: names, retries, a lack of capacity, a job that ends otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.machine import ServiceError
from tests.stacks.story import COMPLETED, JOB, STOPPED, run
from tests.stacks.synth import Synthesized


def test_a_job_that_was_stopped_is_no_model(aws: Synthesized) -> None:
    done = run(aws, createTrainingJob_sync=[STOPPED])
    assert (done.status, done.error) == ("FAILED", "TrainingNotCompleted")
    assert done.cause == f"Training job {JOB} ended Stopped: MaxWaitTimeExceeded"


def test_each_try_of_a_job_has_its_own_name(aws: Synthesized) -> None:
    throttled = ServiceError("SageMaker.AmazonSageMakerException", "Rate exceeded")
    done = run(aws, createTrainingJob_sync=[throttled, throttled, COMPLETED])
    names = [request["TrainingJobName"] for request in done.asked["createTrainingJob.sync"]]
    assert names == [JOB, f"{JOB}-r1", f"{JOB}-r2"]


def test_a_lack_of_quota_is_said_at_once(aws: Synthesized) -> None:
    done = run(aws, createTrainingJob_sync=[ServiceError("SageMaker.ResourceLimitExceededException", "quota is 0")])
    assert done.error == "SageMaker.ResourceLimitExceededException"
    assert len(done.asked["createTrainingJob.sync"]) == 1


@pytest.mark.parametrize(
    "lack",
    [
        # A job's description is long, and its status need not be at the start.
        pytest.param(ServiceError("States.TaskFailed", json.dumps({"_": "x" * 9000, **STOPPED})), id="failed-state"),
        pytest.param(STOPPED, id="described-as-stopped"),
        pytest.param(
            ServiceError("States.TaskFailed", '{"FailureReason": "CapacityError: none left"}'), id="capacity-error"
        ),
    ],
)
def test_without_spot_capacity_it_trains_on_demand_under_the_cap(on_demand: Synthesized, lack: Any) -> None:
    done = run(on_demand, createTrainingJob_sync=[lack, COMPLETED])
    first, second = done.asked["createTrainingJob.sync"]
    assert (first["TrainingJobName"], second["TrainingJobName"]) == (JOB, f"{JOB}-od")
    assert (first["EnableManagedSpotTraining"], second["EnableManagedSpotTraining"]) == (True, False)
    assert "MaxWaitTimeInSeconds" in first["StoppingCondition"]
    assert "MaxWaitTimeInSeconds" not in second["StoppingCondition"]
    assert first["CheckpointConfig"] == second["CheckpointConfig"]
    assert done.output["verdict"] == "promote"


def test_on_demand_is_tried_once(on_demand: Synthesized) -> None:
    done = run(on_demand, createTrainingJob_sync=[ServiceError("States.TaskFailed", "CapacityError")])
    assert (done.status, done.error) == ("FAILED", "States.TaskFailed")
    assert len(done.asked["createTrainingJob.sync"]) == 2


def test_another_failure_of_training_is_not_bought_again(on_demand: Synthesized) -> None:
    done = run(on_demand, createTrainingJob_sync=[ServiceError("States.TaskFailed", "AlgorithmError: exit 1")])
    assert (done.error, done.cause) == ("States.TaskFailed", "AlgorithmError: exit 1")
    assert len(done.asked["createTrainingJob.sync"]) == 1
