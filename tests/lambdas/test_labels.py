"""Prepare and the labels: a change is told once, before training is paid for; a closed set keeps others out."""

from __future__ import annotations

import json

import pytest

from domain import layout
from lambdas import prepare
from lambdas.storage import landed, read_version
from tests.lambdas.project import Project, reviews
from tests.lambdas.test_prepare import again, ask, promote


def test_changed_labels_are_told_once_before_training_and_kept_with_the_run(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    assert project.env.ledger.run(first["run"]).labels == ""  # type: ignore[union-attr]
    promote(project, first)
    project.notifications()
    project.drop("b.csv", reviews(60, 100).replace("neg", "negative"))
    project.delete("a.csv")
    project.env.ledger.release(str(project.env.ledger.claimed_by()))
    execution = project.claim()
    prepared = ask(execution)
    assert prepared["outcome"] == "train"
    run = project.env.ledger.run(prepared["run"])
    assert run is not None
    assert run.labels == "Labels new: 'negative' (30 rows); gone since the live model: 'neg' (20 rows)."
    (told,) = project.notifications()
    assert told["Message"].startswith(run.labels)
    assert ask(execution) == prepared
    again(project)
    assert project.notifications() == [], "it is said once, however often Prepare is tried"
    assert project.env.ledger.run(prepared["run"]).labels == run.labels  # type: ignore[union-attr]


def test_labels_of_another_epoch_are_not_compared(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    promote(project, ask(project.claim()))
    project.drop("a.csv", reviews(60, 100).replace("neg", "negative"))
    project.configure(data={"epoch": 2})
    assert again(project)["outcome"] == "train"
    assert project.notifications() == []


def test_a_closed_set_of_labels_keeps_the_others_out(project: Project) -> None:
    project.configure(data={"labels": ["neg", "pos"]})
    project.drop("a.csv", reviews(40) + "odd one,posi\n")
    prepared = ask(project.claim())
    assert prepared["outcome"] == "train"
    assert read_version(project.env, 1, prepared["dataset"]).labels == ("neg", "pos")
    (source,) = landed(project.env)
    (entry,) = project.read(layout.quarantine(source.source)).splitlines()
    assert {name: json.loads(entry)[name] for name in ("line", "rule", "excerpt")} == {
        "line": 42, "rule": "label-not-allowed", "excerpt": "'posi'",
    }  # fmt: skip
    project.configure(data={"labels": ["neg", "pos", "posi"]})
    with pytest.raises(prepare.EpochChanged, match=r"data.labels cannot change within epoch 1"):
        again(project)
