"""A champion of a release that noted no checksum is sealed once, as it stands, and served from there on.

Its ledger and its hosting are written here as that release writes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain import layout
from domain.artifact import sha256_file
from domain.errors import ModelUnreadable, NotSealed, Superseded
from lambdas.steps import adopt, evaluate, promote, release, screen
from tests.lambdas.model.test_sealed import live, replace_archive, says
from tests.lambdas.models import TEXTS, Models
from tests.lambdas.project import Project, until
from tests.lambdas.steps.test_evaluate import judge, prepared, upload_as_trained
from tests.lambdas.steps.test_redeploy import deploy

FIRST, OLD = "000000000001", "000000000002"


def as_before(project: Project, run: str, dataset: str, archive: Path, before: tuple[str, ...] = ()) -> str:
    """What a promotion by that release leaves: a run, its archive below models/, the champion and the anchor."""
    key = f"{layout.MODELS}{project.name}-{run}-1/output/model.tar.gz"
    project.client("s3").upload_file(str(archive), project.bucket, key)
    uri, version = layout.s3_uri(project.bucket, key), len(before) + 1
    known = {"dataset": dataset, "epoch": 1, "artifact": uri}
    promoted = {"run": run, **known, "version": version, "promoted_at": "2026-11-20T00:00:00+00:00"}
    items = project.env.ledger._items
    items.write({"pk": "champion", "sk": "champion", **promoted, "before": list(before)})
    items.put({"pk": "anchor", "sk": "1", "first": promoted}, "attribute_not_exists(pk)")
    items.write(
        {
            "pk": "run", "sk": run, "run": run, **known, "execution": "arn:old", "reason": "drop",
            "started": f"2026-11-20T00:00:0{version}+00:00", "attempt": 1, "requests": [], "landed": dataset,
            "champion_version": version - 1, "judged": "promote", "verdict": "promote", "sentence": "Promoted.",
            "package": "", "labels": "", "unregistered": "", "postponed": "",
        }
    )  # fmt: skip
    items.write({"pk": "dataset", "sk": dataset, "verdict": "promote", "run": run, "champion": version})
    return uri


@pytest.fixture
def old(project: Project, models: Models) -> str:
    """The URI of the champion's archive, which is the model `right`; its golden rows are there."""
    uri = as_before(project, OLD, "d" * 12, models.right)
    answers = [found[0] for found in models.predictor.predict(TEXTS[:20])]
    golden = [{"text": text, "label": one.label, "score": one.score} for text, one in zip(TEXTS, answers, strict=False)]
    body = json.dumps(golden)
    project.client("s3").put_object(Bucket=project.bucket, Key=layout.run_file(OLD, "golden.json"), Body=body)
    return uri


def ask(execution: str) -> dict[str, object]:
    return adopt.handler({"execution": execution}, None)


def converge(execution: str) -> Any:
    """Redeploy of the champion, and Adopt where it asks for that, as the machine does it."""
    try:
        return deploy(execution)["config"]
    except NotSealed:
        ask(execution)
        return deploy(execution)["config"]


def test_it_is_sealed_when_it_is_next_converged_and_served_from_there(
    project: Project, models: Models, old: str
) -> None:
    execution = project.claim()
    with pytest.raises(NotSealed, match=f"run {OLD} was promoted by an earlier release"):
        deploy(execution)
    for _ in range(2):
        assert ask(execution) == {}
    live(project, converge(execution))
    archive = sha256_file(models.right)
    assert project.listed(layout.RELEASED) == [layout.released(archive)]
    (model,) = project.client("sagemaker").list_models(NameContains=f"{project.name}-")["Models"]
    described = project.client("sagemaker").describe_model(ModelName=model["ModelName"])
    assert described["PrimaryContainer"]["ModelDataUrl"] == f"s3://{project.bucket}/{layout.released(archive)}"
    champion = project.env.ledger.champion()
    assert champion is not None
    assert (champion.run, champion.artifact, champion.seal) == (OLD, old, None), "the champion itself is not written to"
    (note,) = project.env.ledger._items.all("adoption")
    assert (note["sk"], note["artifact"], note["seal"]["archive"]) == (OLD, old, archive)
    assert note["at"]
    assert release.handler({"execution": execution}, None)["started"] is None, "it is what it should be"


def test_what_lies_below_models_later_is_not_served(project: Project, models: Models, old: str, tmp_path: Path) -> None:
    execution = project.claim()
    live(project, converge(execution))
    before = says(project)
    run = project.env.ledger.run(OLD)
    assert run is not None
    replace_archive(project, run, models.constant, tmp_path)
    project.configure(serving={"max_concurrency": 7})
    live(project, converge(execution))
    assert says(project) == before


def test_one_that_is_served_from_models_is_brought_over_by_the_next_release(project: Project, old: str) -> None:
    sagemaker, name = project.client("sagemaker"), f"{project.name}-{OLD}-01234567"
    image = project.env.serving_image
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=project.role, PrimaryContainer={"Image": image, "ModelDataUrl": old}
    )
    variant = {
        "VariantName": layout.VARIANT,
        "ModelName": name,
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    sagemaker.create_endpoint_config(EndpointConfigName=f"{name}-012345", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=project.name, EndpointConfigName=f"{name}-012345")
    project.endpoint("InService")
    assert release.handler({"execution": project.claim()}, None)["started"]
    (message,) = [sent for name, sent in project.executions().items() if name.startswith("after-")]
    assert message["from"] == "Redeploy"
    execution = project.claim()
    live(project, converge(execution))
    assert release.handler({"execution": execution}, None)["started"] is None


def test_without_the_claim_or_without_an_archive_nothing_is_adopted(project: Project, old: str) -> None:
    with pytest.raises(Superseded):
        ask(project.start())
    bucket, key = layout.split_uri(old)
    project.client("s3").delete_object(Bucket=bucket, Key=key)
    with pytest.raises(ModelUnreadable, match=f"the model of run {OLD} at .* it is not there"):
        ask(project.claim())
    assert project.env.ledger._items.all("adoption") == []


def test_without_a_champion_there_is_nothing_to_adopt(project: Project) -> None:
    assert ask(project.claim()) == {}


def test_a_candidate_is_judged_against_it_before_and_after(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    first = prepared(project)
    as_before(project, first.run, first.dataset, models.right)
    project.drop("b.csv", models.reviews(150))
    for sealed in (False, True):
        run = prepared(project)
        if sealed:
            ask(run.execution)
        # Screen asks no model that is not sealed.
        assert screen.handler({"execution": run.execution, "run": run.run}, None) == {"outcome": "passed"}
        answer, judged = judge(project, run, models.equal, job)
        assert answer["verdict"] == "promote", judged.sentence
        receipt = project.json(layout.run_file(run.run, "receipt.json"))
        assert receipt["gate"]["champion"]["accuracy"] == 1.0
        judgement = project.env.ledger.judgements.of(run.run)
        assert judgement is not None
        assert judgement.champion_version == 1


def test_a_former_one_is_sealed_when_it_is_gone_back_to(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    first = prepared(project)
    as_before(project, first.run, first.dataset, models.right)
    uri = upload_as_trained(project, first, models.right)
    project.drop("b.csv", models.reviews(150))
    second = prepared(project)
    as_before(project, second.run, second.dataset, models.equal, before=(first.run,))
    # What the champion was trained on is withdrawn: landing is the former one's again, and its archive is there.
    project.delete("b.csv")
    again = prepared(project)
    assert again.run == first.run
    message = {"execution": again.execution, "run": again.run, "job": job, "artifact": uri}
    answer = evaluate.handler(message, None)
    assert answer["verdict"] == "promote", project.env.ledger.require_run(first.run).sentence
    judgement = project.env.ledger.judgements.of(first.run)
    assert judgement is not None
    config = deploy(again.execution, "candidate", first.run)["config"]
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == config)
    assert judgement.seal.archive[:12] in config
    promote.handler({"execution": again.execution, "run": again.run}, None)
    champion = project.env.ledger.champion()
    assert champion is not None
    assert (champion.run, champion.version, champion.seal) == (first.run, 3, judgement.seal)
