"""One training job's record: what DescribeTrainingJob shows, and the requests that reach it while it runs."""

from __future__ import annotations

import copy
import math
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from local.sagemaker.options import SPOT_PRICE_FRACTION
from local.sagemaker.platform import Platform

TERMINAL = ("Completed", "Failed", "Stopped")
EVENT = "SageMaker Training Job State Change"
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "The Spot instance was interrupted",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}


@dataclass
class Job:
    """A job's record and its switches. Only the job's own thread moves the record on, except for Stopping."""

    platform: Platform
    request: dict[str, Any]
    record: dict[str, Any]
    stop: threading.Event = field(default_factory=threading.Event)
    interrupt: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None
    attempts: int = 0
    seconds: float = 0.0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def name(self) -> str:
        """TrainingJobName."""
        return str(self.record["TrainingJobName"])

    @property
    def spot(self) -> bool:
        """Whether the job uses Managed Spot."""
        return bool(self.request.get("EnableManagedSpotTraining"))

    def limit(self, name: str) -> float:
        """A StoppingCondition in seconds; the service's default of a day where it is unset."""
        return float(self.request["StoppingCondition"].get(name, 86_400))

    def describe(self) -> dict[str, Any]:
        """A copy of the record."""
        with self._lock:
            return copy.deepcopy(self.record)

    def move(self, secondary: str, status: str | None = None, **fields: Any) -> None:
        """Enter a secondary status (and a primary one), note it in the transitions and emit the event."""
        now = time.time()
        with self._lock:
            if self.record["TrainingJobStatus"] in TERMINAL:
                return
            if status:
                self.record["TrainingJobStatus"] = status
            transitions = self.record["SecondaryStatusTransitions"]
            if transitions:
                transitions[-1]["EndTime"] = now
            transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": MESSAGES[secondary]})
            self.record.update(fields, SecondaryStatus=secondary, LastModifiedTime=now)
            if secondary == "Training":
                self.record.setdefault("TrainingStartTime", now)
            if status in TERMINAL:
                transitions[-1]["EndTime"] = now
                self.record["TrainingEndTime"] = now
            detail = copy.deepcopy(self.record)
        self.platform.emit(EVENT, _milliseconds(detail), self.record["TrainingJobArn"])

    def request_stop(self) -> None:
        """StopTrainingJob: nothing to do for a job that is over."""
        with self._lock:
            if self.record["TrainingJobStatus"] != "InProgress":
                return
            self.move("Stopping", "Stopping")
            self.stop.set()

    def bill(self, seconds: float) -> None:
        """Add an attempt's instance seconds. Billable is what ran, times an emulated price for Spot."""
        with self._lock:
            self.seconds += seconds
            price = SPOT_PRICE_FRACTION if self.spot else 1.0
            self.record["TrainingTimeInSeconds"] = math.ceil(self.seconds)
            self.record["BillableTimeInSeconds"] = math.ceil(self.seconds * price)


def new_record(request: dict[str, Any], arn: str) -> dict[str, Any]:
    """The record of a job just created."""
    now = time.time()
    kept = {key: value for key, value in request.items() if key != "Tags"}
    return {
        "EnableManagedSpotTraining": False,
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        **copy.deepcopy(kept),
        "TrainingJobArn": arn,
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "CreationTime": now,
        "LastModifiedTime": now,
        "SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": now, "StatusMessage": MESSAGES["Starting"]}],
    }


def _milliseconds(detail: dict[str, Any]) -> dict[str, Any]:
    """The events carry times as epoch milliseconds."""

    def convert(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: convert(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [convert(item) for item in value]
        return int(value * 1000) if key.endswith("Time") and isinstance(value, float) else value

    converted: dict[str, Any] = convert(detail)
    return converted
