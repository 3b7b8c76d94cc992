"""Evaluate: both models on the same rows, and the receipt."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from domain import layout
from domain.errors import Superseded
from domain.state import Run
from lambdas.steps import evaluate, prepare, promote, reject
from lambdas.storage import read_lines, write_lines
from tests.lambdas.models import Models
from tests.lambdas.project import Project
from tests.tiny_model import METRICS, made_for


def prepared(project: Project) -> Run:
    """The run that Prepare makes of what landed, in a new execution that has the claim."""
    project.env.ledger.release(str(project.env.ledger.claimed_by()))
    answer = prepare.handler({"execution": project.claim(), "reason": "drop"}, None)
    run = project.env.ledger.run(str(answer["run"]))
    assert run is not None
    return run


def upload(project: Project, run: Run, artifact: Path) -> str:
    """The URI of an archive where the run's training job would have left it."""
    key = f"{layout.MODELS}{project.name}-{run.run}-1/output/model.tar.gz"
    project.client("s3").upload_file(str(artifact), project.bucket, key)
    return layout.s3_uri(project.bucket, key)


def upload_as_trained(project: Project, run: Run, artifact: Path) -> str:
    """The same, of a model that says it is the run's."""
    with tempfile.TemporaryDirectory() as folder:
        return upload(project, run, made_for(artifact, Path(folder), run.run, run.dataset))


def judge(project: Project, run: Run, artifact: Path, job: str) -> tuple[dict[str, Any], Run]:
    """Evaluate's answer and the run afterwards."""
    uri = upload_as_trained(project, run, artifact)
    answer = evaluate.handler({"execution": run.execution, "run": run.run, "job": job, "artifact": uri}, None)
    judged = project.env.ledger.run(run.run)
    assert judged is not None
    return answer, judged


def champion(project: Project, artifact: Path, job: str) -> Run:
    """Prepare, judge and promote."""
    answer, run = judge(project, prepared(project), artifact, job)
    assert answer["verdict"] == "promote", run.sentence
    promote.handler({"execution": run.execution, "run": run.run}, None)
    return run


def refuse(run: Run) -> None:
    reject.handler({"execution": run.execution, "run": run.run}, None)


def reported(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """What Evaluate's metrics are, in the line of CloudWatch's embedded metric format that has them."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CandidateAccuracy" in line]
    (line,) = [line for line in lines if "_aws" in line]
    named = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {name: value for name in named for value in line[name]}


def test_the_first_good_model_passes(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    answer, run = judge(project, prepared(project), models.right, job)
    assert answer["verdict"] == run.judged == "promote"
    assert run.champion_version == 0
    assert run.verdict is None, "it is not concluded before it is live"


def test_golden_rows_are_what_the_model_answered(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    _, run = judge(project, prepared(project), models.right, job)
    golden = project.json(layout.run_file(run.run, "golden.json"))
    labels = dict(line.rsplit(",", 1) for line in models.reviews().splitlines()[1:])
    assert len(golden) == 20
    assert all(labels[row["inputs"]] == row["label"] and 0.5 <= row["score"] <= 1 for row in golden)


def test_the_receipt_says_what_was_judged_how_and_what_it_cost(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews() + "broken\n")
    answer, run = judge(project, prepared(project), models.right, job)
    receipt = project.json(layout.run_file(run.run, "receipt.json"))
    assert (receipt["run"], receipt["verdict"], receipt["sentence"]) == (run.run, answer["verdict"], run.sentence)
    assert [source["key"] for source in receipt["data"]["sources"]] == ["landing/a.csv"]
    assert sum(receipt["data"]["rows"].values()) == 200
    assert (receipt["data"]["rejected"], receipt["data"]["rejected_by_file"]) == (1, {"landing/a.csv": 1})
    assert (receipt["data"]["rejected_by_rule"], receipt["data"]["label_changes"]) == ({"ragged": 1}, run.labels)
    assert receipt["training"]["job"] == job
    assert receipt["training"]["seconds"] >= receipt["training"]["billed_seconds"] >= 0
    assert receipt["training"]["estimated_usd"] is not None
    assert receipt["gate"]["candidate"]["accuracy"] == 1.0
    confusion = receipt["gate"]["confusion"]["candidate"]
    assert sum(rows for label, answer, rows in confusion if label == answer) == receipt["gate"]["candidate"]["rows"]
    assert {name: receipt["training"][name] for name in ("curves", "importances")} == {
        name: METRICS[name] for name in ("curves", "importances")
    }
    assert receipt["gate"]["policy"] == project.env.settings.gate.model_dump()
    assert (receipt["champion"], receipt["gate"]["champion"]) == (None, None)


def test_run_twice_it_says_and_writes_the_same(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    first, run = judge(project, prepared(project), models.right, job)
    contents = project.contents("runs/")
    second, again = judge(project, run, models.right, job)
    assert (second, again) == (first, run)
    after = project.contents("runs/")
    moment = {"judged": ""}
    receipt = layout.run_file(run.run, "receipt.json")
    assert {**json.loads(after.pop(receipt)), **moment} == {**json.loads(contents.pop(receipt)), **moment}
    assert after == contents


def test_answers_are_asked_once_for_each_archive_whatever_its_name(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    first, run = judge(project, prepared(project), models.right, job)
    file = layout.run_file(run.run, "predictions.jsonl.gz")
    # Of two labels the likelier has at least a half: no model gives this score.
    lines = [{**line, "score": 0.25} for line in read_lines(project.env, file)]
    write_lines(project.env, file, lines)
    assert judge(project, run, models.right, job)[0] == first
    assert list(read_lines(project.env, file)) == lines
    # Other bytes under the same name answer for themselves.
    assert judge(project, run, models.constant, job)[0]["verdict"] == "reject"


def test_the_champion_answers_only_rows_that_are_new(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    live = champion(project, models.right, job)
    file = layout.run_file(live.run, "predictions.jsonl.gz")
    known = {line["id"]: line for line in read_lines(project.env, file)}
    # Of two labels the likelier has at least a half: no model gives this score.
    write_lines(project.env, file, [{**line, "score": 0.25} for line in known.values()])
    project.drop("b.csv", models.reviews(150))
    judge(project, prepared(project), models.equal, job)
    scores = {line["id"]: line["score"] for line in read_lines(project.env, file)}
    assert scores.keys() > known.keys()
    assert {row for row, score in scores.items() if score == 0.25} == known.keys()


def test_a_candidate_is_compared_with_the_champion_on_the_same_rows(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    live = champion(project, models.right, job)
    project.drop("b.csv", models.reviews(150))
    answer, run = judge(project, prepared(project), models.equal, job)
    assert answer["verdict"] == "promote", run.sentence
    assert run.champion_version == 1
    receipt = project.json(layout.run_file(run.run, "receipt.json"))
    assert receipt["champion"]["run"] == live.run
    assert receipt["gate"]["champion"] == receipt["gate"]["candidate"]
    rows = {rule["name"]: rule["inputs"]["rows"] for rule in receipt["gate"]["rules"] if "rows" in rule["inputs"]}
    assert rows["accuracy on all rows"] > rows["accuracy on rows held out before"] > 0
    fresh = rows["accuracy on all rows"] - rows["accuracy on rows held out before"]
    assert receipt["gate"]["fresh"]["rows"] == fresh


def test_it_reports_the_measures_of_the_task(
    project: Project, models: Models, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project.drop("a.csv", models.reviews(0, 150))
    champion(project, models.right, job)
    assert reported(capsys) == {"CandidateAccuracy": 1.0, "CandidateMacroF1": 1.0}
    project.drop("b.csv", models.reviews(150))
    judge(project, prepared(project), models.equal, job)
    names = ("CandidateAccuracy", "CandidateMacroF1", "ChampionAccuracy", "ChampionMacroF1")
    assert reported(capsys) == dict.fromkeys(names, 1.0)


def test_the_first_model_of_the_epoch_stays_the_anchor(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews(0, 100))
    first = champion(project, models.right, job)
    project.drop("b.csv", models.reviews(100, 150))
    second = champion(project, models.equal, job)
    assert second.run != first.run
    judged = project.json(layout.run_file(second.run, "receipt.json"))["gate"]
    names = [rule["name"] for rule in judged["rules"]]
    assert not any("since" in name for name in names), "the champion is the anchor: said already"
    project.drop("c.csv", models.reviews(150))
    answer, third = judge(project, prepared(project), models.other, job)
    receipt = project.json(layout.run_file(third.run, "receipt.json"))
    since = {rule["name"]: rule for rule in receipt["gate"]["rules"]}["accuracy since the first model"]
    assert answer["verdict"] == "reject"
    assert not since["passed"]
    assert (since["inputs"]["first"], since["inputs"]["rows"]) == (1.0, judged["champion"]["rows"])
    assert receipt["gate"]["looks"] == 3


def test_a_drop_cannot_rewrite_the_test_it_is_judged_by(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    champion(project, models.right, job)
    # The same texts with the other labels: folded last, they win in training, but not as the judge.
    project.drop("poison.csv", models.reviews(flipped=True))
    answer, _ = judge(project, prepared(project), models.constant, job)
    assert answer["verdict"] == "reject"
    _, run = judge(project, prepared(project), models.equal, job)
    receipt = project.json(layout.run_file(run.run, "receipt.json"))
    assert receipt["gate"]["champion"]["accuracy"] == 1.0, "old rows keep the labels that they had"


def on(devices: str, body: str) -> str:
    """The same CSV with a column `device`: a letter a row, over and over, a blank for none."""
    head, *lines = body.splitlines()
    marks = (devices * len(lines))[: len(lines)]
    return "\n".join([f"{head},device", *(f"{line},{mark}" for line, mark in zip(lines, marks, strict=True)), ""])


def slices(project: Project, run: Run) -> dict[str, dict[str, Any]]:
    rules = project.json(layout.run_file(run.run, "receipt.json"))["gate"]["rules"]
    return {rule["name"]: rule for rule in rules if rule["name"].startswith("slices")}


def test_each_slice_is_judged_by_itself_and_a_drop_cannot_move_rows_out_of_it(
    project: Project, models: Models, job: str
) -> None:
    project.configure(data={"slice": "device"}, gate={"max_drop": 1.0, "margin": 1.0, "max_label_drop": 0.0})
    project.drop("a.csv", on("pw ", models.reviews(0, 600)))
    assert slices(project, champion(project, models.right, job)) == {}, "there is nobody to compare with"
    # The same rows once more, all in one slice: folded last, so later versions read them there.
    project.drop("b.csv", on("x", models.reviews(0, 600)))
    answer, run = judge(project, prepared(project), models.constant, job)
    assert answer["verdict"] == "reject"
    found = slices(project, run)["slices on all rows"]
    assert (found["passed"], found["inputs"]["tested"], found["inputs"]["collapsed"]) == (False, 2, 2)
    assert "'p' lost" in found["sentence"]
    assert "'w' lost" in found["sentence"]


def test_models_of_different_epochs_are_not_compared(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    champion(project, models.right, job)
    project.drop("b.csv", models.reviews(flipped=True))
    project.configure(data={"epoch": 2})
    answer, run = judge(project, prepared(project), models.constant, job)
    assert project.json(layout.run_file(run.run, "receipt.json"))["champion"] is None
    assert run.champion_version == 1, "but it is this champion that a promotion would replace"
    assert answer["verdict"] == "reject"
    refuse(run)
    assert project.env.ledger.held() == {}


def test_only_so_many_rows_are_judged_and_always_the_same(project: Project, models: Models, job: str) -> None:
    project.configure(gate={"max_test_rows": 10})
    project.drop("a.csv", models.reviews())
    _, run = judge(project, prepared(project), models.right, job)
    receipt = project.json(layout.run_file(run.run, "receipt.json"))
    assert receipt["gate"]["candidate"]["rows"] == 10
    ids = project.read(layout.test_ids(1, receipt["data"]["sources"][0]["source"])).decode().split()
    lines = project.read(layout.run_file(run.run, "predictions.jsonl.gz")).decode().splitlines()
    assert [json.loads(line)["id"] for line in lines] == sorted(ids)[:10]


def test_answers_are_kept_on_the_way_so_that_a_function_out_of_time_goes_on(
    project: Project, models: Models, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdas.model.answers._KEPT_EVERY", 10)
    s3 = project.client("s3")
    s3.put_bucket_versioning(Bucket=project.bucket, VersioningConfiguration={"Status": "Enabled"})
    project.drop("a.csv", models.reviews())
    _, run = judge(project, prepared(project), models.right, job)
    key = layout.run_file(run.run, "predictions.jsonl.gz")
    versions = s3.list_object_versions(Bucket=project.bucket, Prefix=key)["Versions"]
    bodies = [
        s3.get_object(Bucket=project.bucket, Key=key, VersionId=version["VersionId"])["Body"].read()
        for version in versions
    ]
    rows = sorted(len(gzip.decompress(body).splitlines()) for body in bodies)
    assert len(rows) > 2
    assert rows[:-1] == [10 * number for number in range(1, len(rows))]


def test_without_the_claim_nothing_is_judged_or_rejected(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    run = prepared(project)
    project.env.ledger.hand_over(run.execution, "successor", "now")
    with pytest.raises(Superseded):
        judge(project, run, models.right, job)
    with pytest.raises(Superseded):
        refuse(run)
    assert project.listed("runs/") == []
    assert project.env.ledger.run(run.run) == run


def test_rows_of_a_label_set_aside_are_not_judged(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    champion(project, models.right, job)
    # Set aside in the next version, and what was held out before is still judged by its label of then.
    project.drop("b.csv", models.reviews(200, 220).replace(",neg", ",stray"))
    project.configure(data={"min_label_rows": 21})
    run = prepared(project)
    assert project.json(layout.version(1, run.dataset, "manifest.json"))["set_aside"] == ["stray"]
    _, judged = judge(project, run, models.right, job)
    receipt = project.json(layout.run_file(judged.run, "receipt.json"))
    assert receipt["data"]["set_aside"] == ["stray"]
    assert {label for label, _, _ in receipt["gate"]["confusion"]["candidate"]} == {"neg", "pos"}
