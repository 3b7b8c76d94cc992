"""From a subprocess's log file to CloudWatch while it runs: log events, and the metrics found in the lines."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.clients import client

logger = logging.getLogger(__name__)
MAX_LINE, MAX_BATCH = 8_000, 100


class Tail:
    """The complete new lines of a growing file; a progress bar's carriage returns count as line ends."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""

    def lines(self, *, final: bool = False) -> list[str]:
        """Lines since the last call; with `final` also an unfinished one."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *complete, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        if final:
            complete.append(self._rest)
            self._rest = b""
        return [line.decode("utf-8", "replace")[:MAX_LINE] for line in complete if line.strip()]


class LogStream:
    """One CloudWatch log stream, written as the role. A role that may not write logs gets none, as on AWS."""

    def __init__(self, environment: Mapping[str, str], group: str, stream: str) -> None:
        self._client, self._group, self._stream = client("logs", environment), group, stream
        self._open = False

    def write(self, lines: Iterable[str]) -> None:
        """Append lines with the current time."""
        pending = list(lines)
        if not pending:
            return
        try:
            self._ensure()
            for start in range(0, len(pending), MAX_BATCH):
                now = int(time.time() * 1000)
                events = [{"timestamp": now, "message": line} for line in pending[start : start + MAX_BATCH]]
                self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            logger.warning("no log events for %s: %s", self._stream, error)

    def _ensure(self) -> None:
        if self._open:
            return
        for create, names in (
            (self._client.create_log_group, {"logGroupName": self._group}),
            (self._client.create_log_stream, {"logGroupName": self._group, "logStreamName": self._stream}),
        ):
            try:
                create(**names)
            except self._client.exceptions.ResourceAlreadyExistsException:
                continue
            except ClientError as error:
                # A role without logs:CreateLogGroup is fine when the stack made the group.
                if error.response["Error"]["Code"] != "AccessDeniedException":
                    raise
        self._open = True


class MetricScan:
    """MetricDefinitions over log lines: the last value of each, and data points for CloudWatch."""

    def __init__(self, definitions: list[dict[str, str]], job: str) -> None:
        self._patterns = [(item["Name"], re.compile(item["Regex"])) for item in definitions]
        self._job = job
        self.last: dict[str, tuple[float, float]] = {}

    def scan(self, lines: Iterable[str]) -> list[dict[str, Any]]:
        """MetricData of these lines."""
        now = time.time()
        data = []
        for name, value in self._matches(lines):
            self.last[name] = (value, now)
            data.append(
                {
                    "MetricName": name,
                    "Value": value,
                    "Timestamp": now,
                    "Dimensions": [{"Name": "TrainingJobName", "Value": self._job}],
                }
            )
        return data

    def _matches(self, lines: Iterable[str]) -> Iterator[tuple[str, float]]:
        for line in lines:
            for name, pattern in self._patterns:
                match = pattern.search(line)
                # A group need not take part in a match.
                if match is None or not match.groups() or match[1] is None:
                    continue
                try:
                    value = float(match[1])
                except ValueError:
                    value = math.nan
                # CloudWatch takes neither NaN nor infinity.
                if math.isfinite(value):
                    yield name, value
                else:
                    logger.warning("metric %s: %r is no number", name, match[1])

    def final(self) -> list[dict[str, Any]]:
        """FinalMetricDataList of DescribeTrainingJob."""
        return [{"MetricName": name, "Value": value, "Timestamp": at} for name, (value, at) in self.last.items()]


def publish(cloudwatch: Any, namespace: str, data: list[dict[str, Any]]) -> None:
    """PutMetricData in batches. A refusal is logged, not raised: metrics never decide over a job or a request."""
    try:
        for start in range(0, len(data), MAX_BATCH):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + MAX_BATCH])
    except (ClientError, BotoCoreError) as error:
        logger.warning("no metrics in %s: %s", namespace, error)
