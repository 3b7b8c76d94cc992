"""From drop to live, to a better model, past a poisoned drop, to nothing left: one project, one test for each chapter.

The same chapters are played on the local cloud and, by `make acceptance` alone, on an account of AWS.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from domain import layout
from local.cloud import LocalCloud
from ops import held
from ops.deployment import Deployment
from ops.doctor.examination import Stage, examine
from ops.doctor.finding import Level
from tests.acceptance.record import Notebook, key
from tests.acceptance.target import Target, leave_nothing
from tests.acceptance.words import PROVOKED, Provoked, said
from tests.e2e.driver import Pipeline
from tests.e2e.material import as_csv, reviews

pytestmark = [pytest.mark.chapters, pytest.mark.slow]
GOOD, BAD = "superb warm lovely", "dull awful weak"


@pytest.fixture
def environment(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual AWS environment leads to the target: a laptop's to the local cloud, an account's as it was."""
    if isinstance(target.cloud, LocalCloud):
        for name, value in target.cloud.environment().items():
            monkeypatch.setenv(name, value)


def test_a_first_drop_goes_live(pipeline: Pipeline, target: Target, notebook: Notebook) -> None:
    started = time.monotonic()
    pipeline.drop("first.csv", as_csv(reviews(400, seed=1)))
    run = pipeline.concluded("promote")
    notebook.facts["drop → live"] = f"{time.monotonic() - started:.0f} s"
    assert pipeline.predict(GOOD) == "positive"
    assert pipeline.predict(BAD) == "negative"
    receipt = pipeline.read_json(layout.run_file(run.run, "receipt.json"))
    assert receipt["gate"]["candidate"]["accuracy"] >= 0.7
    assert receipt["data"]["sources"][0]["key"] == "landing/first.csv"
    training = receipt["training"]
    assert training["spot"] is True
    notebook.facts["training"] = f"{training['seconds']} s, of which {training['billed_seconds']} s were billed"
    notebook.facts["Spot savings"] = f"{training['spot_savings_percent']}%"
    assert _told(pipeline, [run.run])


@pytest.mark.usefixtures("environment")
def test_the_doctor_finds_nothing_wrong(pipeline: Pipeline, target: Target, notebook: Notebook) -> None:
    found = examine(pipeline.project, pipeline.settings, Stage.ALL)
    of_the_stack = [one for one in found if one.area in ("stack", "live model", "image", "notifications")]
    assert {one.area for one in of_the_stack} == {"stack", "live model", "image", "notifications"}
    assert [one for one in of_the_stack if one.level is Level.WRONG] == []
    fine = {(one.area, one.name) for one in of_the_stack if one.level is Level.FINE}
    assert {("stack", name) for name in ("status", "machine", "alarms", "dead letters")} <= fine
    assert ("live model", "endpoint") in fine
    for one in found:
        notebook.facts[f"mlops doctor, {one.area}: {one.name}"] = f"{one.level}: {one.sentence}"


def test_a_better_model_takes_its_place(pipeline: Pipeline) -> None:
    first = pipeline.ledger.champion()
    pipeline.drop("second.csv", as_csv(reviews(400, seed=3)))
    run = pipeline.concluded("promote", runs=2)
    champion = pipeline.ledger.champion()
    assert first is not None
    assert champion is not None
    assert (champion.run, champion.version) == (run.run, first.version + 1)
    endpoint = pipeline.endpoint()
    assert endpoint is not None
    assert layout.deployed_run(pipeline.project, endpoint["EndpointConfigName"]) == run.run
    assert pipeline.predict(GOOD) == "positive"
    assert _told(pipeline, [run.run])


def test_a_poisoned_drop_changes_nothing(pipeline: Pipeline) -> None:
    before = pipeline.ledger.champion()
    jobs = pipeline.jobs()
    pipeline.drop("poison.csv", as_csv(reviews(400, seed=2, flipped=True)))
    screened = pipeline.concluded("screened", runs=3)
    assert pipeline.jobs() == jobs, "no training job was paid for"
    assert [hold.source.key for hold in pipeline.ledger.held().values()] == ["landing/poison.csv"]

    # A person who vouches for it all the same: now it is the gate's.
    held.release(_deployment(pipeline), "poison.csv", Console(quiet=True))
    rejected = pipeline.concluded("reject", runs=4)
    assert pipeline.predict(GOOD) == "positive"
    assert [hold.source.key for hold in pipeline.ledger.held().values()] == ["landing/poison.csv"]
    assert pipeline.ledger.champion() == before
    assert _told(pipeline, [screened.run, rejected.run])


def test_the_held_file_poisons_no_later_run(pipeline: Pipeline) -> None:
    pipeline.drop("more.csv", as_csv(reviews(200, seed=4)))
    pipeline.until("a fifth run", lambda: len([run for run in pipeline.ledger.runs() if run.verdict]) == 5)
    pipeline.rest()
    last = pipeline.ledger.runs()[-1]
    manifest = pipeline.read_json(layout.version(1, last.dataset, "manifest.json"))
    keys = [source["key"] for source in manifest["sources"]]
    assert keys == ["landing/first.csv", "landing/second.csv", "landing/more.csv"]
    assert last.verdict in ("promote", "keep")


@pytest.mark.parametrize("provoked", PROVOKED, ids=lambda provoked: provoked.words.when)
def test_aws_says_what_the_code_looks_for(pipeline: Pipeline, notebook: Notebook, provoked: Provoked) -> None:
    notebook.words[key(provoked.words)] = said(provoked, pipeline)


def test_how_long_a_cold_start_took(pipeline: Pipeline, target: Target, notebook: Notebook) -> None:
    started = time.monotonic()
    assert pipeline.predict(GOOD) == "positive"
    notebook.facts["an answer, from this machine"] = f"{time.monotonic() - started:.2f} s"
    if not target.local:
        notebook.facts["longest cold start (ModelSetupTime)"] = _setup_time(pipeline)


def test_destroyed_it_leaves_data_and_ledger_and_then_nothing(
    pipeline: Pipeline, target: Target, notebook: Notebook
) -> None:
    started = time.monotonic()
    target.destroy()
    notebook.facts["destroy"] = f"{time.monotonic() - started:.0f} s"
    sagemaker, name = pipeline.client("sagemaker"), pipeline.project
    assert pipeline.endpoint() is None
    assert not sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
    assert not sagemaker.list_models(NameContains=name)["Models"]
    assert "landing/first.csv" in pipeline.keys(layout.LANDING)
    assert pipeline.ledger.champion() is not None

    leave_nothing(target, [])
    assert target.bucket not in [one["Name"] for one in pipeline.client("s3").list_buckets()["Buckets"]]
    tables = pipeline.client("dynamodb").get_paginator("list_tables").paginate()
    pipeline.until(
        "no ledger", lambda: layout.ledger(name) not in [one for page in tables for one in page["TableNames"]]
    )


def _told(pipeline: Pipeline, runs: list[str]) -> bool:
    """Wait until a notification of each run has come; that each came once the local cloud can say, SQS cannot."""
    heard: list[str] = []

    def look() -> bool:
        heard.extend(pipeline.notifications())
        return all(any(run in message for message in heard) for run in runs)

    return pipeline.until(f"notifications of {runs}", look)


def _deployment(pipeline: Pipeline) -> Deployment:
    table = pipeline.cloud.resource("dynamodb").Table(layout.ledger(pipeline.project))
    return Deployment(pipeline.project, pipeline.account, pipeline.region, pipeline.cloud.client, table)


def _setup_time(pipeline: Pipeline) -> str:
    """The longest start of a container that CloudWatch has heard of, in seconds."""
    now = datetime.now(UTC)
    points = pipeline.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName="ModelSetupTime", StartTime=now - timedelta(hours=24), EndTime=now,
        Period=3600, Statistics=["Maximum"],
        Dimensions=[
            {"Name": "EndpointName", "Value": pipeline.project}, {"Name": "VariantName", "Value": layout.VARIANT}
        ],
    )["Datapoints"]  # fmt: skip
    return f"{max(point['Maximum'] for point in points) / 1e6:.1f} s" if points else "CloudWatch has no figure"
