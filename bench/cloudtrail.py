"""CloudTrail, asked who called what: the requests that a Lambda function made in a span of time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

# LookupEvents gives at most so many; what is beyond them is asked for in a shorter span.
_MOST: Final = 50


def requests(cloudtrail: Any, function: str, since: datetime, until: datetime) -> Counter[str]:
    """How often a function (its role's session has its name) called each service between two moments.

    Raises OverflowError where one second has more requests than CloudTrail tells at once.
    """
    first, last = int(since.timestamp()), int(until.timestamp()) + 1
    found = _events(cloudtrail, function, first, last)
    return Counter(str(event["EventSource"]).removesuffix(".amazonaws.com") for event in found.values())


def _events(cloudtrail: Any, function: str, since: int, until: int) -> dict[str, dict[str, Any]]:
    """Events by id; `since` and `until` are whole seconds, for CloudTrail reads no parts of them."""
    answer = cloudtrail.lookup_events(
        LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": function}],
        StartTime=datetime.fromtimestamp(since, UTC),
        EndTime=datetime.fromtimestamp(until, UTC),
        MaxResults=_MOST,
    )["Events"]
    if len(answer) < _MOST:
        return {event["EventId"]: event for event in answer}
    if until - since <= 1:
        raise OverflowError(f"{function} made {_MOST} requests or more within a second: they cannot be told apart")
    middle = (since + until) // 2
    return {
        **_events(cloudtrail, function, since, middle),
        **_events(cloudtrail, function, middle, until),
    }
