"""A training job while it runs: what SageMaker says of it, and the metrics that it prints."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain import layout
from domain.measures import BY_KEY, EVERY, told
from domain.metrics import NAMES, definitions
from ops.deployment import Deployment

_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# Of any task: which one a job is of, its metrics say.
_PATTERNS = [(definition["Name"], re.compile(definition["Regex"])) for definition in definitions(BY_KEY)]


@dataclass
class JobView:
    """The newest training job of a run, without a name and a status until there is one.

    `metrics` holds the last value of each metric of `domain.metrics`.
    """

    deployment: Deployment
    run: str
    name: str | None = None
    status: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    _streams: dict[str, str] = field(default_factory=dict)

    def refresh(self) -> None:
        """Ask once more. Before the job exists nothing changes."""
        sagemaker = self.deployment.client("sagemaker")
        listed = sagemaker.list_training_jobs(
            NameContains=f"{self.deployment.project}-{self.run}-", SortBy="CreationTime", SortOrder="Descending"
        )
        names = [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]]
        newest = next((name for name in names if layout.trained_run(self.deployment.project, name)), None)
        if newest is None:
            return
        self.name = newest
        self.status = str(sagemaker.describe_training_job(TrainingJobName=newest)["SecondaryStatus"])
        for line in self._new_lines():
            self.metrics |= metrics_in(line)

    @property
    def complete(self) -> bool:
        """Whether the job has ended and everything it said was read."""
        return self.status in ("Completed", "Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")

    @property
    def progress(self) -> float:
        """How much of the training is done, from 0 to 1."""
        return max(0.0, min(1.0, self.metrics.get(NAMES["progress"], 0.0)))

    def summary(self) -> str:
        """One line about how it stands."""
        parts = []
        if self.status and self.status not in ("Training", "Completed"):
            parts.append(self.status.lower())
        parts += list(_numbers(self.metrics))
        return "  ".join(parts)

    def _new_lines(self) -> Iterable[str]:
        logs = self.deployment.client("logs")
        try:
            found = logs.describe_log_streams(logGroupName=_LOG_GROUP, logStreamNamePrefix=f"{self.name}/")
        except logs.exceptions.ResourceNotFoundException:
            return
        for stream in (item["logStreamName"] for item in found["logStreams"]):
            yield from self._lines_of(logs, stream)

    def _lines_of(self, logs: Any, stream: str) -> Iterable[str]:
        while True:
            token = self._streams.get(stream)
            arguments = {"nextToken": token} if token else {}
            page = logs.get_log_events(logGroupName=_LOG_GROUP, logStreamName=stream, startFromHead=True, **arguments)
            self._streams[stream] = page["nextForwardToken"]
            yield from (event["message"] for event in page["events"])
            # The same token again: nothing was written since.
            if not page["events"] or page["nextForwardToken"] == token:
                return


def _numbers(metrics: Mapping[str, float]) -> Iterator[str]:
    """The last loss, scores and speed, of those that it has printed."""
    loss, speed = metrics.get(NAMES["train_loss"]), metrics.get(NAMES["examples_per_second"])
    if loss is not None:
        yield f"loss {told(loss, 3)}"
    for measure in EVERY:
        value = metrics.get(NAMES[f"validation_{measure.key}"])
        if value is not None:
            yield f"{measure.name} {measure.shown(value, 3)}"
    if speed is not None:
        yield f"{speed:.0f} rows/s"


def metrics_in(line: str) -> dict[str, float]:
    """The metrics that a log line states, read as SageMaker reads them; what is beyond a float's range is none."""
    found = {}
    for name, pattern in _PATTERNS:
        match = pattern.search(line)
        if match and math.isfinite(value := float(match[1])):
            found[name] = value
    return found
