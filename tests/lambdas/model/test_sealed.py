"""What was judged is what is served: with a training job's rights, or Prepare's, nothing else comes to the endpoint.

Whoever has them may write below models/ and, as Prepare, a run's record. None of that may be believed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain import layout
from domain.artifact import sha256_file
from domain.errors import ModelUnreadable, NotToBeDeployed
from domain.state import Run
from lambdas.steps import evaluate
from tests.lambdas.events.test_approve import decide
from tests.lambdas.models import TEXTS, Models
from tests.lambdas.project import Project, until
from tests.lambdas.steps.test_evaluate import judge, prepared, upload
from tests.lambdas.steps.test_redeploy import crown, deploy
from tests.tiny_model import made_for, pack


def replace_archive(project: Project, run: Run, other: Path, folder: Path) -> None:
    """What a training job's role may do: write another archive where the run's job left its own."""
    upload(project, run, made_for(other, folder, run.run, run.dataset))


def says(project: Project, endpoint: str = "") -> list[str]:
    """What an endpoint answers to some texts."""
    answer = project.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint or project.name, ContentType="application/json", Body=json.dumps({"inputs": TEXTS[:20]})
    )
    return [found[0]["label"] for found in json.loads(answer["Body"].read())]


def live(project: Project, config: Any) -> None:
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == config)


@pytest.fixture
def champion(project: Project, models: Models, job: str) -> Run:
    """The run of the model `right`, judged, live and promoted; its execution has the claim."""
    project.drop("a.csv", models.reviews())
    answer, run = judge(project, prepared(project), models.right, job)
    assert answer["verdict"] == "promote"
    live(project, deploy(run.execution, "candidate", run.run)["config"])
    crown(run)
    return run


def test_a_champions_archive_that_a_training_job_replaces_is_never_served(
    project: Project, models: Models, champion: Run, tmp_path: Path
) -> None:
    before = says(project)
    assert set(before) == {"neg", "pos"}
    replace_archive(project, champion, models.constant, tmp_path)
    # A deploy that changes how models are served converges on the champion anew.
    project.configure(serving={"max_concurrency": 7})
    live(project, deploy(champion.execution)["config"])
    assert says(project) == before


def test_neither_is_the_archive_of_a_candidate_that_waits(
    project: Project, models: Models, job: str, tmp_path: Path
) -> None:
    project.configure(gate={"approval": "manual"})
    project.drop("a.csv", models.reviews())
    _, waiting = judge(project, prepared(project), models.right, job)
    replace_archive(project, waiting, models.constant, tmp_path)
    decide(project, waiting, "Approved")
    live(project, deploy(waiting.execution, "candidate", waiting.run)["config"])
    assert set(says(project)) == {"neg", "pos"}


def test_a_run_that_prepare_makes_up_is_deployed_by_nobody(
    project: Project, models: Models, champion: Run, tmp_path: Path
) -> None:
    forged = replace(champion, run="f" * 12, dataset="f" * 12, judged="promote", champion_version=1, verdict=None)
    uri = upload(project, forged, made_for(models.constant, tmp_path, forged.run, forged.dataset))
    project.env.ledger.save_run(replace(forged, artifact=uri))
    with pytest.raises(NotToBeDeployed, match="has not passed the gate"):
        deploy(champion.execution, "candidate", forged.run)


def test_nor_does_a_record_that_prepare_changes_lead_to_another_archive(
    project: Project, models: Models, job: str, tmp_path: Path
) -> None:
    project.drop("a.csv", models.reviews())
    _, run = judge(project, prepared(project), models.right, job)
    uri = upload(project, replace(run, run="e" * 12), made_for(models.constant, tmp_path, run.run, run.dataset))
    project.env.ledger.save_run(replace(run, artifact=uri))
    live(project, deploy(run.execution, "candidate", run.run)["config"])
    crown(run)
    assert set(says(project)) == {"neg", "pos"}


def test_nor_does_it_let_through_what_the_gate_kept_out(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    answer, run = judge(project, prepared(project), models.constant, job)
    assert answer["verdict"] == "reject"
    project.env.ledger.save_run(replace(run, judged="promote"))
    with pytest.raises(NotToBeDeployed, match="has not passed the gate"):
        deploy(run.execution, "candidate", run.run)


def test_an_archive_with_one_file_more_is_not_judged(
    project: Project, models: Models, job: str, tmp_path: Path
) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    made = made_for(models.right, tmp_path, run.run, run.dataset)
    (tmp_path / "model" / "model.onnx.extra").write_bytes(b"weights that no checksum covers")
    uri = upload(project, run, pack(tmp_path / "model", made))
    message = {"execution": run.execution, "run": run.run, "job": job, "artifact": uri}
    with pytest.raises(ModelUnreadable, match=r"'model\.onnx\.extra' is not listed in manifest\.json"):
        evaluate.handler(message, None)


def test_what_is_kept_is_what_was_asked_whatever_lies_at_the_name_by_then(
    project: Project, models: Models, job: str, tmp_path: Path
) -> None:
    """Another archive comes while Evaluate works, just before it writes the one that it has."""
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    events = project.env.client("s3").meta.events

    def swap(**_: object) -> None:
        events.unregister("before-call.s3.PutObject", unique_id="swap")
        replace_archive(project, run, models.constant, tmp_path)

    made = made_for(models.right, tmp_path / "made", run.run, run.dataset)
    uri = upload(project, run, made)
    events.register("before-call.s3.PutObject", swap, unique_id="swap")
    message = {"execution": run.execution, "run": run.run, "job": job, "artifact": uri}
    assert evaluate.handler(message, None)["verdict"] == "promote"
    assert project.contents(layout.RELEASED) == {layout.released(sha256_file(made)): made.read_bytes()}


@pytest.mark.parametrize("field", ["run", "dataset"])
def test_a_model_that_says_it_is_another_runs_is_not_judged(
    project: Project, models: Models, job: str, tmp_path: Path, field: str
) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    said = {"run": run.run, "dataset": run.dataset, field: "f" * 12}
    uri = upload(project, run, made_for(models.right, tmp_path, **said))
    message = {"execution": run.execution, "run": run.run, "job": job, "artifact": uri}
    with pytest.raises(ModelUnreadable, match=f"its manifest says {field} {'f' * 12}"):
        evaluate.handler(message, None)


def test_a_waiting_run_that_nobody_approved_is_not_deployed_whoever_starts_it(
    project: Project, models: Models, job: str
) -> None:
    project.configure(gate={"approval": "manual"})
    project.drop("a.csv", models.reviews())
    _, waiting = judge(project, prepared(project), models.right, job)
    with pytest.raises(Exception, match="nobody has approved"):
        deploy(waiting.execution, "candidate", waiting.run, "rehearsal")
