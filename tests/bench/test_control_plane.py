"""How the bench counts: transitions as they are billed, and CloudTrail's events beyond what it tells at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bench.cloudtrail import requests
from bench.control_plane import outside_waiting, transitions

START = datetime(2026, 1, 1, tzinfo=UTC)


def entered(name: str) -> dict[str, Any]:
    return {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}}


def test_a_retry_is_a_transition_and_waiting_is_counted_apart() -> None:
    tried = {"type": "TaskScheduled"}
    history = [
        {"type": "ExecutionStarted"},
        *(entered("Claim"), tried, {"type": "TaskFailed"}, tried, {"type": "TaskSucceeded"}),
        *(entered("Claimed"), entered("Settle"), tried, entered("Quiet"), entered("WaitForQuiet")),
        *(entered("Settle"), tried, entered("Quiet"), entered("Prepare"), tried),
    ]
    states = transitions(history)
    assert states == ["Claim", "Claim", "Claimed", "Settle", "Quiet", "WaitForQuiet", "Settle", "Quiet", "Prepare"]
    assert outside_waiting(states) == 4


class Trail:
    """CloudTrail's answer to LookupEvents: the newest 50 of a span, and no next page."""

    def __init__(self, moments: list[float]) -> None:
        self._moments = moments

    def lookup_events(self, **asked: Any) -> dict[str, Any]:
        since, until = asked["StartTime"].timestamp(), asked["EndTime"].timestamp()
        found = [
            {"EventId": str(place), "EventSource": f"{'s3' if place % 3 else 'dynamodb'}.amazonaws.com"}
            for place, moment in enumerate(self._moments)
            if since <= START.timestamp() + moment <= until
        ]
        return {"Events": found[-asked["MaxResults"] :]}


def test_more_events_than_are_told_at_once_are_all_counted_once() -> None:
    found = requests(Trail([place / 10 for place in range(300)]), "reviews-evaluate", START, START + timedelta(30))
    assert found == {"s3": 200, "dynamodb": 100}


def test_what_cannot_be_counted_is_an_error() -> None:
    with pytest.raises(OverflowError, match="reviews-evaluate made 50 requests or more within a second"):
        requests(Trail([0.5] * 60), "reviews-evaluate", START, START + timedelta(seconds=9))
