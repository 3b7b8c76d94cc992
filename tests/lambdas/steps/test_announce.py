"""Announce and Observe: an event and a notification for what was decided, metrics for what was trained."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from domain import layout
from domain.errors import RunMissing
from domain.printable import printable
from lambdas.dataset import label_changes
from lambdas.events import observe
from lambdas.notify import notify
from lambdas.steps import announce
from tests.hostile import HOSTILE, effects
from tests.lambdas.project import Project, until


def metrics(output: str) -> dict[str, Any]:
    """What the EMF lines of this output publish."""
    found: dict[str, Any] = {}
    for line in output.splitlines():
        record = json.loads(line)
        for directive in record.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Dimensions"] == [["service"]], "each further dimension would be billed"
            found |= {metric["Name"]: record[metric["Name"]][0] for metric in directive["Metrics"]}
    return found


def listen(project: Project) -> str:
    """A queue that hears the project's events on the default bus; its URL."""
    sqs, events = project.client("sqs"), project.client("events")
    queue = sqs.create_queue(QueueName=f"{project.name}-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": [layout.EVENT_SOURCE], "detail": {"project": [project.name]}}
    events.put_rule(Name=project.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=project.name, Targets=[{"Id": "queue", "Arn": arn}])
    return str(queue)


@pytest.mark.parametrize(
    ("verdict", "title", "promoted", "rejected"),
    [
        ("promote", "New Model", 1, 0),
        ("restored", "Model Restored", 0, 0),
        ("keep", "Model Kept", 0, 0),
        ("reject", "Model Rejected", 0, 1),
        ("awaiting-approval", "Model Awaiting Approval", 0, 0),
        ("screened", "Data Held", 0, 0),
        ("too-few-rows", "Data Refused", 0, 0),
    ],
)
def test_every_verdict_is_told_as_event_notification_and_metric(
    project: Project, capsys: pytest.CaptureFixture[str], verdict: str, title: str, promoted: int, rejected: int
) -> None:
    queue = listen(project)
    run = project.run("arn:1", verdict=verdict, sentence="Because.")
    announce.handler({"execution": "arn:1", "run": run.run}, None)
    message = until(lambda: project.client("sqs").receive_message(QueueUrl=queue).get("Messages"))[0]
    event = json.loads(message["Body"])
    assert event["detail-type"] == title
    assert event["detail"] == {"project": project.name, "run": run.run, "dataset": "d0", "sentence": "Because."}
    (told,) = project.notifications()
    assert told["Subject"] == f"{project.name}: {title}"
    waits = " It waits for a person: mlops approve 0123456789ab" if verdict == "awaiting-approval" else ""
    assert told["Message"].startswith(f"Because.{waits}\n\nRun 0123456789ab (started because: test).")
    found = metrics(capsys.readouterr().out)
    assert (found["Promoted"], found["Rejected"]) == (promoted, rejected)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_mail_shows_what_data_says_and_does_nothing(project: Project, text: str) -> None:
    run = project.run("arn:1", verdict="keep", sentence=text, reason=text, labels=text)
    announce.handler({"execution": "arn:1", "run": run.run}, None)
    label_changes.tell(project.env, run)
    notify(project.env, f"{project.name}: {text}", "one line")
    told = project.notifications()
    assert len(told) == 3
    for mail in told:
        assert effects(mail["Subject"] + mail["Message"]) == []
        # ASCII without controls, under 100 characters (Amazon SNS API Reference, Publish).
        assert re.fullmatch(r"[\x21-\x7e][\x20-\x7e]{0,98}", mail["Subject"])
    assert sum(printable(text) in mail["Message"] for mail in told) == 2
    assert [len(mail["Message"].splitlines()) for mail in told if "one line" not in mail["Message"]] in ([3, 2], [2, 3])


def test_an_unknown_run_is_an_error_and_nothing_is_told(project: Project) -> None:
    with pytest.raises(RunMissing, match="not in the ledger"):
        announce.handler({"execution": "arn", "run": "0123456789ab"}, None)
    assert project.notifications() == []


def told_of(job: str) -> None:
    observe.handler({"detail": {"TrainingJobName": job, "TrainingJobStatus": "Completed"}}, None)


def test_nothing_is_said_of_a_job_that_has_not_ended(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    job = layout.training_job(project.name, "0123456789ab", 1)
    project.train(job, seconds=300)
    told_of(job)
    assert metrics(capsys.readouterr().out) == {}
    project.client("sagemaker").stop_training_job(TrainingJobName=job)


def test_an_ended_job_s_times_become_metrics(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    job = layout.training_job(project.name, "0123456789ab", 1)
    project.train(job)
    described = project.trained(job)
    told_of(job)
    assert metrics(capsys.readouterr().out) == {
        "TrainingSeconds": described["TrainingTimeInSeconds"],
        "BillableSeconds": described["BillableTimeInSeconds"],
        "SpotSavingsPercent": 0.0,
    }


def test_other_projects_jobs_are_not_observed(project: Project, job: str, capsys: pytest.CaptureFixture[str]) -> None:
    told_of(job)
    assert metrics(capsys.readouterr().out) == {}
