"""What goes wrong on the way: interruptions, a server that fails its ping, aborts. The last good model answers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain import layout
from tests.e2e.driver import Pipeline
from tests.e2e.material import reviews

GOOD_TEXT = "superb warm lovely"


@pytest.mark.keeps_checkpoints
def test_a_killed_training_process_resumes_from_its_checkpoint(pipeline: Pipeline) -> None:
    pipeline.drop_rows("first", reviews(600, seed=1))
    job = pipeline.until("a training job", lambda: next(iter(pipeline.jobs("InProgress")), None))
    # Held up once it has a checkpoint, so that it cannot end before that is in S3.
    local = pipeline.cloud.directory / "tmp" / "sagemaker" / "jobs" / job
    pipeline.until("a sealed checkpoint", lambda: any(local.rglob("sealed.json")), pause=0.02)
    process = pipeline.cloud.training_job(job)["pid"]
    os.killpg(process, signal.SIGSTOP)
    pipeline.until("a checkpoint in S3 to resume from", lambda: _usable_checkpoint(pipeline))
    os.killpg(process, signal.SIGKILL)
    run = pipeline.concluded("promote")
    described = pipeline.client("sagemaker").describe_training_job(TrainingJobName=job)
    statuses = [entry["Status"] for entry in described["SecondaryStatusTransitions"]]
    assert "Interrupted" in statuses
    assert described["TrainingJobStatus"] == "Completed"
    assert run.attempt == 1
    starts = [line for line in _training_log(pipeline, job).splitlines() if line.startswith("starting from ")]
    assert len(starts) == 2, starts
    assert starts[-1].startswith("starting from checkpoint-"), starts


def test_a_server_that_fails_its_ping_is_rolled_back(pipeline: Pipeline, switch: Path) -> None:
    pipeline.drop_rows("first", reviews(400, seed=1))
    first = pipeline.concluded("promote")
    pipeline.notifications()
    switch.write_text(first.run)
    with asked_throughout(pipeline) as answers:
        pipeline.drop_rows("second", reviews(400, seed=2))
        run = pipeline.concluded("gave-up", runs=2)
    assert set(answers) == {"positive"}
    assert pipeline.describe(run.execution)["status"] == "FAILED"
    assert pipeline.describe(run.execution)["error"] == "RolledBack"
    endpoint = pipeline.endpoint()
    assert endpoint is not None
    assert layout.deployed_run(pipeline.project, endpoint["EndpointConfigName"]) == first.run
    said = pipeline.until("the notification", pipeline.notifications)
    assert len(said) == 1
    assert run.run in said[0]
    assert "ping" in said[0]


@pytest.mark.parametrize("state", ["Train", "Redeploy", "Await"])
def test_an_aborted_execution_is_reconciled_and_its_files_are_trained(pipeline: Pipeline, state: str) -> None:
    pipeline.drop_rows("first", reviews(400, seed=1))
    first = pipeline.concluded("promote")
    pipeline.notifications()
    with asked_throughout(pipeline) as answers:
        pipeline.drop_rows("second", reviews(400, seed=2))
        execution = pipeline.until_in(state)
        pipeline.client("stepfunctions").stop_execution(executionArn=execution)
        pipeline.until("a successor", lambda: f"reconcile-{layout.digest(execution)}" in " ".join(_all(pipeline)))
        pipeline.until("the second run", lambda: len([run for run in pipeline.ledger.runs() if run.verdict]) == 2)
        pipeline.rest()
    second, champion = pipeline.ledger.runs()[-1], pipeline.ledger.champion()
    assert second.verdict in ("promote", "keep")
    assert champion is not None
    assert champion.run == (second.run if second.verdict == "promote" else first.run)
    endpoint = pipeline.endpoint()
    assert endpoint is not None
    assert layout.deployed_run(pipeline.project, endpoint["EndpointConfigName"]) == champion.run
    assert set(answers) == {"positive"}
    assert not pipeline.jobs("InProgress")
    stopped = [message for message in pipeline.notifications() if "was stopped" in message]
    assert len(stopped) == 1


@contextmanager
def asked_throughout(pipeline: Pipeline) -> Iterator[list[str]]:
    """A client that keeps asking; every answer, and every error's text, is in the list."""
    answers: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.2):
            answers.append(pipeline.predict(GOOD_TEXT))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()
    assert answers


def _all(pipeline: Pipeline) -> list[str]:
    return [arn for status in ("RUNNING", "SUCCEEDED", "FAILED") for arn in pipeline.executions(status)]


def _usable_checkpoint(pipeline: Pipeline) -> bool:
    """Whether a checkpoint is in S3 with every file its seal names, and the best one that it goes back to as well.

    Files travel one by one, in any order; what was pruned while this looks is looked at again.
    """
    keys = set(pipeline.keys(layout.CHECKPOINTS))
    names = [key.removesuffix("/sealed.json") for key in keys if key.endswith("/sealed.json")]
    try:
        seals = {name: pipeline.read_json(f"{name}/sealed.json") for name in names}
        whole = {name for name, sealed in seals.items() if all(f"{name}/{file}" in keys for file in sealed["files"])}
        best = {name: pipeline.read_json(f"{name}/trainer_state.json")["best_global_step"] for name in whole}
    except pipeline.client("s3").exceptions.NoSuchKey:
        return False
    return any(not step or f"{name.rpartition('-')[0]}-{step}" in whole for name, step in best.items())


def _training_log(pipeline: Pipeline, job: str) -> str:
    logs, group = pipeline.client("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
    found = []
    for stream in streams:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
        found += [event["message"] for event in events["events"]]
    return "\n".join(found)
