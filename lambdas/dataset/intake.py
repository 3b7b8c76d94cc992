"""What landing holds, taken in one object after another: a content that is known is not read, and one bad object never
stops the others.

Before an object is read that is noted, and after it what became of it. So whoever comes after a function that died sees
what it died on; having seen it twice, it goes on without that object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from domain.data import dataset
from domain.data.dataset import Source
from domain.errors import DiskFull, LandingMoved, ObjectUnreadable
from lambdas.dataset.parts import Report, derive, known_report
from lambdas.environment import Environment
from lambdas.telemetry import logger, trace
from ledger.arrivals import Arrival

# AWS or the way to it in trouble: it says nothing about the object, and the machine asks again.
_PASSING: Final = (ClientError, BotoCoreError, Boto3Error, HTTPError, ConnectionError, TimeoutError)
# An invocation that has much to derive may run out of time at any file; the next one begins with that file.
_MOST_TRIES: Final = 2
_DIED: Final = f"the function ran out of time or memory on it {_MOST_TRIES} times: split the file, or look at its rows"
_MISSING: Final = "S3 lists it and does not find it: copy it to another name and delete it"
_FAILED: Final = "the function itself fails on it: look at its rows, and report it to whoever wrote the pipeline"


class NotTakenIn(Exception):
    """An object cannot be used now, by no fault of its rows; the message says why and the fix."""


def take_in(env: Environment, landing: Iterable[Source], missing: Collection[Source] = ()) -> dict[str, Report]:
    """The reports, by source id, of all landed objects that are not held.

    `missing` are objects that an earlier look listed and did not find. Raises LandingMoved.
    """
    arrivals = env.ledger.arrivals.all()
    held = dataset.valid_in(env.settings.data.epoch, env.ledger.held())
    reports = dict[str, Report]()
    for landed, arrival in _in_turn(landing, arrivals):
        if dataset.in_force([arrival.known_as(landed)], held):
            continue
        try:
            report = _known(env, landed, arrival) or _read(env, landed, arrival, landed in missing)
        except NotTakenIn as error:
            why = f"{error}. Then let it in: mlops release FILE"
            reports[landed.source] = Report(landed.source, landed.key, error=why, again="read")
            continue
        hold = held.get(report.source)
        if hold and hold.again == "read":
            # It was read now, and may be known as what could not be read when it was put there at first.
            env.ledger.unhold(report.source)
        elif hold:
            continue  # the same bytes as what is held
        reports[report.source] = report
    return reports


def _in_turn(landing: Iterable[Source], arrivals: dict[str, Arrival]) -> list[tuple[Source, Arrival]]:
    """Objects with what is known of them: first what a function died on, so that it has all of the time there is."""
    pairs = [(landed, arrivals.get(landed.key) or Arrival()) for landed in landing]
    return sorted(pairs, key=lambda pair: (-pair[1].tries_at(pair[0]), pair[0].last_modified, pair[0].key))


def _known(env: Environment, landed: Source, arrival: Arrival) -> Report | None:
    """The report of an object whose content is known, if there is one in this epoch."""
    report = known_report(env, arrival.known_as(landed))
    if report and report.sha256 and not arrival.is_settled(landed):
        # Killed between its report and its arrival; or put there anew, the same with the same ETag.
        env.ledger.arrivals.settle(landed, env.ledger.arrivals.first(landed, report.sha256))
    return report


def _read(env: Environment, landed: Source, arrival: Arrival, missing: bool) -> Report:
    arrivals, tries = env.ledger.arrivals, arrival.tries_at(landed)
    if tries >= _MOST_TRIES:
        raise NotTakenIn(_DIED)
    arrivals.begin(landed, tries + 1)
    try:
        report = derive(env, landed, lambda sha256: arrivals.first(landed, sha256))
    except (LandingMoved, *_PASSING) as error:
        arrivals.begin(landed, tries)
        if missing and isinstance(error, LandingMoved):
            raise NotTakenIn(_MISSING) from error
        raise
    except (ObjectUnreadable, DiskFull) as error:
        arrivals.forget(landed.key)
        raise NotTakenIn(str(error)) from error
    # Whatever else happens is a fault of ours that these rows bring out. The others are not to wait until it is mended.
    # What it says is not passed on: it may quote a row.
    except Exception as error:  # noqa: BLE001  # it is raised on, by another name
        arrivals.forget(landed.key)
        *_, where, kind = trace(error)
        logger().error("A file made the function fail", extra={"key": landed.key, "trace": trace(error)})
        raise NotTakenIn(f"{_FAILED} ({kind} at {where})") from None
    if report.sha256:
        arrivals.settle(landed, arrivals.first(landed, report.sha256))
    else:
        arrivals.forget(landed.key)
    return report
