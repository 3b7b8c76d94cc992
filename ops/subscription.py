"""Whether a mail about a failure would reach somebody: SNS sends none before its own mail was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from ops.deployment import Deployment


def topic_name(project: str) -> str:
    """Name of the topic of a project's notifications (`stacks/notifications.py`)."""
    return f"{project}-notices"


@dataclass(frozen=True)
class Address:
    """A mail address that is subscribed; `confirmed` once its reader clicked the link in SNS's mail."""

    mail: str
    confirmed: bool


def addresses(sns: Any, topic: str) -> list[Address]:
    """The mail addresses of a topic. Raises botocore's errors."""
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return [
        # AWS lists "PendingConfirmation" in place of the ARN.
        Address(one["Endpoint"], str(one["SubscriptionArn"]).startswith("arn:"))
        for page in pages
        for one in page["Subscriptions"]
        if one["Protocol"] == "email"
    ]


def pending_note(found: list[Address]) -> str | None:
    """What to tell a person about addresses that get no mail yet, None if there are none."""
    waiting = [one.mail for one in found if not one.confirmed]
    if not waiting:
        return None
    return (
        f"{', '.join(waiting)} gets no notifications yet: the link in the mail from AWS Notifications "
        "(no-reply@sns.amazonaws.com) was not clicked."
    )


def note(deployment: Deployment) -> str | None:
    """What a person should know about a deployment's addresses, None if nothing, or if it cannot be asked."""
    try:
        return pending_note(addresses(deployment.client("sns"), deployment.arn("sns", topic_name(deployment.project))))
    except (ClientError, BotoCoreError):
        # A word beside the command that was typed; whether its rights reach that far, `mlops doctor` says.
        return None
