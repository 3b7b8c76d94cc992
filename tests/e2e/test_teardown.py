"""Destroying leaves nothing but the data bucket and the ledger, and a second deploy takes those up again.

Runs last: it takes the deployment down, on a project of its own.
"""

from __future__ import annotations

import os
import signal

from domain import layout
from domain.settings import Settings
from local.cloud import ACCOUNT, REGION, LocalCloud
from tests.e2e.conftest import OVERLAY
from tests.e2e.driver import Pipeline
from tests.e2e.material import as_csv, reviews


def test_destroy_during_training_leaves_nothing_and_a_second_deploy_goes_on(
    cloud: LocalCloud, deployed: Pipeline
) -> None:
    overlay = {**OVERLAY, "project": "gone"}
    cloud.deploy(overlay)
    bucket = layout.bucket("gone", ACCOUNT, REGION)
    pipeline = Pipeline(cloud, Settings.model_validate(overlay), bucket, deployed.queue)
    pipeline.drop("first.csv", as_csv(reviews(400, seed=1)))
    promoted = pipeline.concluded("promote")
    pipeline.drop("second.csv", as_csv(reviews(400, seed=2)))
    # Held up where it is, so that it cannot end before the stack does.
    os.killpg(pipeline.training_process(), signal.SIGSTOP)

    cloud.destroy()
    assert pipeline.endpoint() is None
    assert not pipeline.jobs("InProgress")
    assert not pipeline.jobs("Stopping")
    sagemaker = pipeline.client("sagemaker")
    assert not sagemaker.list_endpoint_configs(NameContains="gone")["EndpointConfigs"]
    assert not sagemaker.list_models(NameContains="gone")["Models"]
    assert pipeline.keys(layout.LANDING) == ["landing/first.csv", "landing/second.csv"]
    kept = pipeline.ledger.champion()
    assert kept is not None
    assert kept.run == promoted.run

    cloud.deploy(overlay)
    assert pipeline.predict("superb warm lovely") == "positive"
    # What was being trained when the stack went is still pending, and is taken up by itself.
    pipeline.until("the second run", lambda: len([run for run in pipeline.ledger.runs() if run.verdict]) == 2)
    pipeline.rest()
    cloud.destroy()


def test_nothing_that_ran_left_a_file_in_a_home(cloud: LocalCloud, deployed: Pipeline) -> None:
    """Functions, jobs and servers have run by now: the model's runtime would have left the trace of its reports."""
    assert deployed.all_executions()
    assert cloud.home.is_dir()
    assert [str(path) for path in cloud.home.rglob("*")] == []
