"""Prepare: what landing holds becomes a version and a run, or a reason why not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from domain import layout
from domain.data.dataset import Hold
from domain.errors import EpochChanged, ReadingChanged, Superseded
from domain.hyperparameters import decode
from domain.state import RunVerdict
from lambdas.dataset.heldout_rows import test_rows as held_out
from lambdas.steps import prepare
from lambdas.storage import landed, read_version
from tests.lambdas.project import Project, passed, reviews


def ask(execution: str) -> dict[str, Any]:
    return prepare.handler({"execution": execution, "reason": "drop", "from": "Settle"}, None)


def again(project: Project) -> dict[str, Any]:
    """Prepare in a new execution, after the last one gave the claim back."""
    project.env.ledger.release(str(project.env.ledger.claimed_by()))
    return ask(project.claim())


def conclude(project: Project, prepared: dict[str, Any], verdict: RunVerdict = "keep") -> None:
    run = project.env.ledger.run(prepared["run"])
    assert run
    project.env.ledger.conclude(replace(run, verdict=verdict))


def promote(project: Project, prepared: dict[str, Any]) -> None:
    ledger, run = project.env.ledger, project.env.ledger.run(prepared["run"])
    assert run
    ledger.promote(run.execution, passed(run), "now")
    conclude(project, prepared, "promote")


def names(project: Project, prepared: dict[str, Any]) -> list[str]:
    sources = read_version(project.env, 1, project.dataset(prepared)).sources
    return [source.key.removeprefix(layout.LANDING) for source in sources]


def ids(project: Project, prepared: dict[str, Any]) -> set[str]:
    return {row.id for row in held_out(project.env, read_version(project.env, 1, project.dataset(prepared)))}


def test_new_data_becomes_a_version_and_a_run_to_train(project: Project) -> None:
    project.drop("a.csv", reviews(30))
    project.drop("b.csv", reviews(30, 30))
    execution = project.claim()
    prepared = ask(execution)
    assert prepared["outcome"] == "train"
    assert names(project, prepared) == ["a.csv", "b.csv"]
    run = project.env.ledger.run(prepared["run"])
    assert run is not None
    assert (run.execution, run.dataset, run.attempt, run.verdict) == (execution, project.dataset(prepared), 1, None)
    assert prepared["job"] == f"{project.name}-{run.run}-1"
    assert prepared["artifact"] is None


def test_every_uri_of_the_answer_leads_to_what_training_reads(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    prepared = ask(project.claim())
    for channel in ("train", "validation", "dataset"):
        bucket, key = layout.split_uri(prepared[f"{channel}_manifest"])
        head, *rest = project.json(key)
        for name in rest:
            bucket, listed = layout.split_uri(head["prefix"] + name)
            assert bucket == project.bucket
            assert project.read(listed)
    assert prepared["checkpoints"] == f"s3://{project.bucket}/checkpoints/{prepared['run']}/"
    assert prepared["output"] == f"s3://{project.bucket}/models/"


def test_hyperparameters_are_json_as_the_toolkit_decodes_them(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    prepared = ask(project.claim())
    given = {name: json.loads(value) for name, value in prepared["hyperparameters"].items()}
    assert given["epochs"] == 3
    assert given["sagemaker_program"] == "training/train.py"
    assert given["sagemaker_submit_directory"] == project.env.code_uri
    assert given["run_id"] == prepared["run"]
    assert given["dataset_id"] == project.dataset(prepared)
    assert decode(given["features"]) == ["text"]
    assert decode(given["base_model"]) == project.env.settings.training.base_model


def test_asked_twice_it_gives_the_same_answer_and_the_same_bytes(project: Project) -> None:
    project.drop("a.csv", reviews(40) + ",\n")
    execution = project.claim()
    first, contents, runs = ask(execution), project.contents(), project.env.ledger.runs()
    assert ask(execution) == first
    assert project.contents() == contents
    assert project.env.ledger.runs() == runs


def test_in_a_new_execution_it_is_the_same_run_s_next_attempt(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    second = again(project)
    assert second["run"] == first["run"]
    assert second["job"] == f"{project.name}-{first['run']}-2"


def test_without_the_claim_nothing_is_touched(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    project.claim()
    with pytest.raises(Superseded):
        ask(project.start())
    assert project.listed("datasets/") == []


def test_nothing_landed_is_nothing_new(project: Project) -> None:
    assert ask(project.claim())["outcome"] == "nothing_new"
    assert project.env.ledger.runs() == []


@pytest.mark.parametrize("verdict", ["promote", "keep", "reject", "too-few-rows", "gave-up"])
def test_a_concluded_dataset_is_nothing_new(project: Project, verdict: RunVerdict) -> None:
    project.drop("a.csv", reviews(40))
    conclude(project, ask(project.claim()), verdict)
    assert again(project)["outcome"] == "nothing_new"


def test_a_change_of_code_alone_is_nothing_new(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    conclude(project, ask(project.claim()))
    project.patch.setenv("CODE_HASH", "other")
    assert again(project)["outcome"] == "nothing_new"


def test_the_same_rows_in_several_files_count_once(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    one = ask(project.claim())
    project.drop("b.csv", reviews(40, flipped=True))
    both = again(project)
    assert names(project, both) == ["a.csv", "b.csv"]
    assert ids(project, one) == ids(project, both)
    last_word, first_word = (
        {row.id: row for row in held_out(project.env, read_version(project.env, 1, project.dataset(prepared)))}
        for prepared in (both, one)
    )
    assert all(last_word[row].label != first_word[row].label for row in first_word)


def test_an_overwritten_file_replaces_its_rows(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    before = ask(project.claim())
    project.drop("a.csv", reviews(40, 100))
    after = again(project)
    assert names(project, after) == ["a.csv"]
    assert not ids(project, before) & ids(project, after)


def test_a_deleted_file_retracts_its_rows(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    one = ask(project.claim())
    project.drop("b.csv", reviews(40, 100))
    both = again(project)
    project.delete("b.csv")
    back = again(project)
    assert ids(project, one) < ids(project, both)
    assert (project.dataset(back), back["run"]) == (project.dataset(one), one["run"])


# ---- requests -------------------------------------------------------------------------


def test_a_request_makes_a_run_of_a_concluded_dataset(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    conclude(project, first)
    project.env.ledger.request("q1", "retrain", "now")
    second = again(project)
    assert second["outcome"] == "train"
    assert project.dataset(second) == project.dataset(first)
    assert second["run"] != first["run"]
    assert again(project)["run"] == second["run"], "the same request is the same run"
    conclude(project, second)
    assert project.env.ledger.requests() == {}
    assert again(project)["outcome"] == "nothing_new"


def test_a_request_without_any_data_is_closed(project: Project) -> None:
    project.env.ledger.request("q1", "retrain", "now")
    assert ask(project.claim())["outcome"] == "nothing_new"
    assert project.env.ledger.requests() == {}
    assert [(run.verdict, run.requests) for run in project.env.ledger.runs()] == [("no-data", ("q1",))]


# ---- what is refused before money is spent ------------------------------------------------


@pytest.mark.parametrize(
    ("body", "settings", "why"),
    [
        (reviews(40), {"data": {"min_train_rows": 1000}}, "train rows of 1000 needed"),
        (reviews(40), {"gate": {"min_test_rows": 900}}, "test rows of 900 needed"),
        (reviews(40).replace("neg", "pos"), {}, "1 label of 2 needed: ['pos']"),
        (
            reviews(40).replace("neg", "pos") + "odd one,neutral\n",
            {},
            "1 label of 2 needed: ['pos']; labels with under 2 different training rows are set aside: 'neutral'",
        ),
    ],
)
def test_too_little_is_refused_and_concluded(project: Project, body: str, settings: dict[str, Any], why: str) -> None:
    project.configure(**settings)
    project.drop("a.csv", body)
    prepared = ask(project.claim())
    assert prepared["outcome"] == "refused"
    run = project.env.ledger.run(prepared["run"])
    assert run is not None
    assert run.verdict == project.env.ledger.conclusion(run.closes) == "too-few-rows"
    assert why in str(run.sentence)
    assert again(project)["outcome"] == "nothing_new"


def test_repeated_rows_do_not_pass_for_enough(project: Project) -> None:
    for copy in "abc":
        project.drop(f"{copy}.csv", reviews(40))
    one_copy = len(ids(project, ask(project.claim())))
    project.configure(gate={"min_test_rows": one_copy + 1})
    prepared = again(project)
    assert prepared["outcome"] == "refused"
    assert "different test rows" in str(project.env.ledger.run(prepared["run"]))


# ---- the epoch ------------------------------------------------------------------------------


def test_what_an_epoch_froze_cannot_change_within_it(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    project.configure(data={"test_percent": 31, "max_chars": 10})
    with pytest.raises(EpochChanged, match=r"data.test_percent, data.max_chars .*data.epoch to 2"):
        again(project)
    project.configure()
    assert again(project)["run"] == first["run"]


def test_an_epoch_that_was_read_by_other_rules_is_not_read_any_further(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    project.env.ledger.freeze_epoch(
        1, {name: value for name, value in project.env.settings.data.frozen().items() if name != "reading"}
    )
    with pytest.raises(ReadingChanged, match=r"by number 1: .* Set data.epoch to 2"):
        ask(project.claim())
    project.configure(data={"epoch": 2})
    assert again(project)["outcome"] == "train"


def test_a_column_that_was_taken_for_another_is_told_once(project: Project) -> None:
    project.drop("a.csv", reviews(40).replace("text,label", "Text,label"))
    assert ask(project.claim())["outcome"] == "train"
    (told,) = project.notifications()
    assert "landing/a.csv is used: its column 'Text' was taken for 'text'." in told["Message"]
    again(project)
    assert project.notifications() == []


def test_a_new_epoch_starts_over_beside_the_old_one(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    project.drop("b.csv", reviews(40, 40))
    first = ask(project.claim())
    project.configure(data={"test_percent": 20, "epoch": 2})
    second = again(project)
    assert project.dataset(second) != project.dataset(first)
    assert second["train_manifest"].startswith(f"s3://{project.bucket}/datasets/e2/versions/")
    assert project.listed("datasets/e1/versions/")


def test_a_new_epoch_reads_again_what_the_old_one_could_not(project: Project) -> None:
    project.drop("a.csv", reviews(40).replace("text,label", "review,label"))
    assert ask(project.claim())["outcome"] == "nothing_new"
    project.configure(data={"features": ["review"], "epoch": 2})
    assert again(project)["outcome"] == "train"


def test_a_predecessor_of_another_epoch_does_not_stand_in(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    promote(project, ask(project.claim()))
    (accepted,) = landed(project.env)
    project.drop("a.csv", reviews(40, 100, flipped=True))
    (harmful,) = landed(project.env)
    project.env.ledger.hold(Hold(harmful, "r", "worse", accepted))
    project.drop("b.csv", reviews(40, 200))
    assert names(project, again(project)) == ["a.csv", "b.csv"]
    project.configure(data={"epoch": 2})
    second = again(project)
    assert [source.key for source in read_version(project.env, 2, project.dataset(second)).sources] == ["landing/b.csv"]
