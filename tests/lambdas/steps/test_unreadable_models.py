"""Evaluate and an archive that is gone, or no model: an error that names the run, and nothing is judged or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain import layout
from domain.errors import ModelUnreadable
from lambdas.steps import evaluate
from tests.lambdas.models import Models
from tests.lambdas.project import Project
from tests.lambdas.steps.test_evaluate import champion, judge, prepared, upload


def test_a_champion_that_cannot_be_loaded_is_an_error_with_its_run(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    live = champion(project, models.right, job)
    project.client("s3").put_object(
        Bucket=project.bucket, Key=layout.split_uri(str(live.artifact))[1], Body=b"no tarball any more"
    )
    project.drop("b.csv", models.reviews(150))
    run = prepared(project)
    with pytest.raises(ModelUnreadable, match=f"the model of run {live.run}"):
        judge(project, run, models.equal, job)
    unjudged = project.env.ledger.run(run.run)
    assert unjudged is not None
    assert (unjudged.judged, unjudged.package) == (None, None), "neither judged nor registered"


@pytest.mark.parametrize("content", [b"no tarball", b""])
def test_an_unreadable_artifact_is_an_error_with_its_run(
    project: Project, models: Models, job: str, tmp_path: Path, content: bytes
) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    (tmp_path / "model.tar.gz").write_bytes(content)
    uri = upload(project, run, tmp_path / "model.tar.gz")
    with pytest.raises(ModelUnreadable, match=f"the model of run {run.run}"):
        evaluate.handler({"execution": run.execution, "run": run.run, "job": job, "artifact": uri}, None)
    assert project.listed(layout.RELEASED) == []


def test_a_missing_artifact_is_an_error_with_its_run(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    message = {"execution": run.execution, "run": run.run, "job": job, "artifact": f"s3://{project.bucket}/gone"}
    with pytest.raises(ModelUnreadable, match="gone cannot be loaded"):
        evaluate.handler(message, None)
