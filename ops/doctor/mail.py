"""Notifications: whether anybody hears of a failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from domain.settings import Settings
from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings
from ops.subscription import addresses, pending_note, topic_name

AREA: Final = "notifications"


def address(settings: Settings) -> Iterator[Finding]:
    """Whether the settings name somebody."""
    if settings.notify_email:
        sentence = (
            f"{settings.notify_email} hears of every run and every failure, "
            "once the link in SNS's confirmation mail was clicked."
        )
        yield Finding(AREA, "address", Level.FINE, sentence)
    else:
        sentence = "Nobody hears of a failure: notify_email is empty."
        yield Finding(AREA, "address", Level.WARNING, sentence, "set notify_email in cdk.json, then: make deploy")


def subscription(about: Surroundings) -> Iterator[Finding]:
    """Whether the address is subscribed and confirmed. Raises botocore's errors."""
    sns, mail = about.client("sns"), about.settings.notify_email
    topic = about.arn("sns", topic_name(about.project))
    try:
        found = addresses(sns, topic)
    except sns.exceptions.NotFoundException:
        yield Finding(AREA, "subscription", Level.WRONG, f"The topic {topic} is not there.", "make deploy")
        return
    pending = pending_note(found)
    if pending:
        fix = f"click it. Is the mail lost: {_subscribe(topic, mail)}"
        yield Finding(AREA, "subscription", Level.WARNING, pending, fix)
    if mail and mail not in [one.mail for one in found]:
        # SNS forgets a subscription that is not confirmed for some days; CloudFormation does not notice.
        sentence = f"{mail} is not subscribed: it was never deployed, was not confirmed in time, or has unsubscribed."
        yield Finding(AREA, "subscription", Level.WARNING, sentence, _subscribe(topic, mail))
    elif found and not pending:
        confirmed = ", ".join(one.mail for one in found)
        yield Finding(AREA, "subscription", Level.FINE, f"Confirmed by {confirmed}.")


def _subscribe(topic: str, mail: str) -> str:
    return f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint {mail or 'ADDRESS'}"
