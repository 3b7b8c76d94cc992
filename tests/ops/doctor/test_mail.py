"""Who is told, and whether the mail address was confirmed."""

from __future__ import annotations

from typing import Any

from botocore.stub import Stubber

from local.cloud import ACCOUNT, REGION
from ops.deployment import Deployment
from ops.doctor import mail
from ops.doctor.finding import Level
from ops.doctor.surroundings import Surroundings
from ops.subscription import note
from tests.ops.doctor.conftest import TEXT, only


def test_nobody_is_named(about: Surroundings) -> None:
    assert only(mail.address(about.settings)).level is Level.WARNING
    named = TEXT(notify_email="a@example.org")
    assert "confirmation mail" in only(mail.address(named)).sentence


def mailed(about: Surroundings) -> Surroundings:
    named = TEXT(project="mailed", notify_email="a@example.org")
    return Surroundings(named, ACCOUNT, REGION, about.session)


def listed(arn: str) -> dict[str, Any]:
    """What ListSubscriptionsByTopic says of a mail address."""
    one = {"SubscriptionArn": arn, "Protocol": "email", "Endpoint": "a@example.org", "Owner": "1", "TopicArn": "t"}
    return {"Subscriptions": [one]}


def test_a_topic_or_a_subscription_that_is_not_there(about: Surroundings) -> None:
    assert only(mail.subscription(mailed(about))).level is Level.WRONG, "there is no topic"
    topic = about.client("sns").create_topic(Name="mailed-notices")["TopicArn"]
    absent = only(mail.subscription(mailed(about)))
    assert (absent.level, "is not subscribed" in absent.sentence) == (Level.WARNING, True)
    assert topic in absent.fix
    about.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.org")
    assert only(mail.subscription(mailed(about))).level is Level.FINE


# The local cloud confirms a mail address by itself, so what AWS lists of one that is not is ours.
def test_a_subscription_that_waits_for_its_reader(about: Surroundings) -> None:
    named = mailed(about)
    with Stubber(named.client("sns")) as stub:
        stub.add_response("list_subscriptions_by_topic", listed("PendingConfirmation"))
        waits = only(mail.subscription(named))
    assert (waits.level, "was not clicked" in waits.sentence) == (Level.WARNING, True)


def test_every_command_says_it_as_long_as_it_is_not_confirmed(about: Surroundings) -> None:
    sns = about.client("sns")
    deployment = Deployment("heard", ACCOUNT, REGION, lambda *_, **__: sns, None)
    assert note(deployment) is None, "there is no topic"
    with Stubber(sns) as stub:
        stub.add_response("list_subscriptions_by_topic", listed("PendingConfirmation"))
        assert str(note(deployment)).startswith("a@example.org gets no notifications yet")
        stub.add_response("list_subscriptions_by_topic", listed("arn:aws:sns:us-east-1:000000000000:t:1"))
        assert note(deployment) is None
        stub.add_client_error("list_subscriptions_by_topic", "AuthorizationError")
        assert note(deployment) is None, "a command goes on without the right to ask"
