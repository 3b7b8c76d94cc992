"""Many files at once, and clients that keep asking while the endpoint is updated. The long form is `make load`."""

from __future__ import annotations

import json

from tests.e2e.driver import Pipeline
from tests.load import costs, dropping
from tests.load.asking import Clients

FILES = 100


def test_a_hundred_files_are_two_runs_at_most_and_no_client_notices_an_update(pipeline: Pipeline) -> None:
    earlier_jobs, earlier = set(pipeline.jobs()), pipeline.all_executions()
    texts = dropping.drop(pipeline, FILES, within=5, seed=1000)
    run = pipeline.until("a run of all files", lambda: dropping.run_of(pipeline, FILES))
    pipeline.rest()
    # Where the machine was so slow that a part of the files made a run of their own, the second one changes little.
    assert run.verdict in ("promote", "keep"), run.sentence
    assert len(set(pipeline.jobs()) - earlier_jobs) <= 2
    assert dropping.used(pipeline, run.dataset) == texts, "every row once"
    spent = costs.of(pipeline, [arn for arn in pipeline.all_executions() if arn not in earlier])
    # A run of the first files, one of all, and what those two start: whatever else came was coalesced.
    assert sum(spent.outcomes.values()) - spent.outcomes["coalesced"] <= 4, spent.outcomes
    assert spent.most_coalesced <= 3

    own = _live(pipeline)
    # One fewer than may ask at a time: Verify asks the live endpoint too.
    clients = pipeline.settings.serving.max_concurrency - 1
    with Clients(pipeline.cloud, pipeline.project, "superb warm lovely", "positive", rate=20, clients=clients) as heard:
        pipeline.until("the first answers", lambda: heard.seconds)
        _serve_otherwise(pipeline, own)
        execution = pipeline.start({"reason": "deploy", "from": "Redeploy"})
        pipeline.until("the end of Redeploy", lambda: execution not in pipeline.executions())
        answered = len(heard.seconds)
        pipeline.until("answers after the update", lambda: len(heard.seconds) > answered + 20)
    assert json.loads(pipeline.describe(execution)["output"])["outcome"] == "done"
    assert _live(pipeline) == own
    assert heard.failures == []


def _live(pipeline: Pipeline) -> str:
    endpoint = pipeline.endpoint()
    assert endpoint is not None
    return str(endpoint["EndpointConfigName"])


def _serve_otherwise(pipeline: Pipeline, config: str) -> None:
    """Somebody updates the endpoint by hand, to the same model with one request more at a time."""
    sagemaker = pipeline.client("sagemaker")
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    variant["ServerlessConfig"]["MaxConcurrency"] += 1
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=[variant])
    sagemaker.update_endpoint(EndpointName=pipeline.project, EndpointConfigName="by-hand")
    pipeline.until("the update by hand", lambda: _live(pipeline) == "by-hand")
