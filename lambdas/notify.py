"""Tell a person by the topic: the one place that publishes, so that no text from data does anything to a mail."""

from __future__ import annotations

from domain.printable import ascii_subject, printable
from lambdas.environment import Environment


def notify(env: Environment, subject: str, message: str) -> None:
    """Publish a notification. Lines of `message` are ours: what it quotes of others is to be `printable` already."""
    lines = "\n".join(printable(line) for line in message.split("\n"))
    env.client("sns").publish(TopicArn=env.topic_arn, Subject=ascii_subject(subject), Message=lines)
