"""A deployed stack: whether it stands, its machine runs, nothing alarms, and no event was lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from domain import layout
from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings

AREA: Final = "stack"
_GOOD: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


def stack_status(about: Surroundings) -> str | None:
    """CloudFormation's status of the project's stack, None if there is no such stack. Raises botocore's errors."""
    try:
        found = about.client("cloudformation").describe_stacks(StackName=about.project)["Stacks"]
    except ClientError as error:
        # CloudFormation has no modelled error for this.
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return str(found[0]["StackStatus"])


def judge_stack(project: str, status: str | None) -> Finding:
    """The finding about a stack's status."""
    if status is None:
        return Finding(AREA, "status", Level.WARNING, f"There is no stack {project} yet.", "make deploy")
    if status in _GOOD:
        return Finding(AREA, "status", Level.FINE, f"{project} is {status}.")
    events = f"aws cloudformation describe-stack-events --stack-name {project}"
    if status.endswith("_IN_PROGRESS"):
        return Finding(AREA, "status", Level.WARNING, f"{project} is changing: {status}.", f"wait; {events}")
    if status in ("UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"):
        sentence = f"The last deploy of {project} failed and was undone ({status})."
        return Finding(AREA, "status", Level.WARNING, sentence, f"{events}; then: make deploy")
    if status == "UPDATE_ROLLBACK_FAILED":
        fix = f"aws cloudformation continue-update-rollback --stack-name {project}; why: {events}"
        return Finding(AREA, "status", Level.WRONG, f"{project} is {status}.", fix)
    return Finding(AREA, "status", Level.WRONG, f"{project} is {status}.", f"{events}; then: make destroy deploy")


def machine(about: Surroundings) -> Iterator[Finding]:
    """Whether the state machine takes executions. Raises botocore's errors."""
    states, arn = (
        about.client("stepfunctions"),
        about.arn("states", f"stateMachine:{layout.state_machine(about.project)}"),
    )
    try:
        status = states.describe_state_machine(stateMachineArn=arn)["status"]
    except states.exceptions.StateMachineDoesNotExist:
        yield Finding(AREA, "machine", Level.WRONG, f"{arn} is not there: no drop starts anything.", "make deploy")
        return
    if status == "ACTIVE":
        yield Finding(AREA, "machine", Level.FINE, "The state machine is ACTIVE.")
    else:
        yield Finding(AREA, "machine", Level.WRONG, f"The state machine is {status}.", "make deploy")


def alarms(about: Surroundings) -> Iterator[Finding]:
    """Alarms that ring, one finding each. Raises botocore's errors."""
    pages = about.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{about.project}-")
    # Another project's name may begin with this one's.
    ours = [
        alarm
        for page in pages
        for alarm in page["MetricAlarms"]
        if re.fullmatch(rf"{re.escape(about.project)}-[A-Z][A-Za-z0-9]*", alarm["AlarmName"])
    ]
    yield from judge_alarms(ours)


def judge_alarms(found: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """The findings about the project's alarms."""
    ringing = [alarm for alarm in found if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        name = alarm["AlarmName"]
        sentence = f"{name} rings: {alarm.get('AlarmDescription', '')}. {alarm.get('StateReason', '')}".strip()
        yield Finding(
            AREA, "alarms", Level.WRONG, sentence, f"aws cloudwatch describe-alarm-history --alarm-name {name}"
        )
    if not found:
        yield Finding(AREA, "alarms", Level.WRONG, "There are no alarms: somebody deleted them.", "make destroy deploy")
    elif not ringing:
        yield Finding(AREA, "alarms", Level.FINE, f"None of {len(found)} rings.")


def dead_letters(about: Surroundings) -> Iterator[Finding]:
    """Events that could not be delivered. Raises botocore's errors."""
    sqs, name = about.client("sqs"), f"{about.project}-dead-letters"
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        yield Finding(AREA, "dead letters", Level.WRONG, f"The queue {name} is not there.", "make destroy deploy")
        return
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    waiting = sum(int(said.get(count, 0)) for count in counts)
    if waiting:
        sentence = (
            f"{waiting} {'event was' if waiting == 1 else 'events were'} not delivered; the next sweep looks again."
        )
        look = f"aws sqs receive-message --queue-url {url} --attribute-names All"
        fix = f"{look}; once the cause is mended: aws sqs purge-queue --queue-url {url}"
        yield Finding(AREA, "dead letters", Level.WRONG, sentence, fix)
    else:
        yield Finding(AREA, "dead letters", Level.FINE, "No event was lost.")
