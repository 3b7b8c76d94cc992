"""Prepare and the training jobs of earlier attempts: a finished one is used again, a running one is stopped first."""

from __future__ import annotations

import pytest

from domain import layout
from domain.errors import JobStillStopping
from lambdas.model import jobs
from tests.lambdas.project import Project, reviews
from tests.lambdas.steps.test_prepare import again, ask


def test_a_finished_job_of_the_same_run_is_used_again(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    project.train(first["job"])
    described = project.trained(first["job"])
    second = again(project)
    assert second["outcome"] == "evaluate"
    assert second["job"] == first["job"], "Evaluate asks SageMaker about this job"
    assert second["artifact"] == described["ModelArtifacts"]["S3ModelArtifacts"]


def test_a_job_whose_artifact_is_gone_is_trained_anew_under_another_name(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    project.train(first["job"])
    artifact = project.trained(first["job"])["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = layout.split_uri(artifact)
    project.env.client("s3").delete_object(Bucket=bucket, Key=key)
    second = again(project)
    assert (second["outcome"], second["run"]) == ("train", first["run"])
    assert second["job"] != first["job"]


def test_a_running_job_of_the_same_run_is_stopped_first(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    project.train(first["job"], seconds=300)
    execution = project.start()
    project.env.ledger.hand_over(str(project.env.ledger.claimed_by()), execution, "now")
    with pytest.raises(JobStillStopping):
        ask(execution)
    project.trained(first["job"], "Stopped")
    second = ask(execution)
    assert (second["outcome"], second["job"]) == ("train", f"{project.name}-{first['run']}-2")


def test_a_job_that_ended_before_it_could_be_stopped_is_no_error(project: Project, job: str) -> None:
    jobs.stop(project.env, job)
    jobs.stop(project.env, job)


def test_while_a_job_is_stopping_landing_may_move_on_without_leaving_a_run_behind(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    project.train(first["job"], seconds=300)
    execution = project.start()
    project.env.ledger.hand_over(str(project.env.ledger.claimed_by()), execution, "now")
    with pytest.raises(JobStillStopping):
        ask(execution)
    project.drop("b.csv", reviews(40, 40))
    second = ask(execution)
    assert [run.run for run in project.env.ledger.runs() if run.execution == execution] == [second["run"]]
    project.trained(first["job"], "Stopped")
