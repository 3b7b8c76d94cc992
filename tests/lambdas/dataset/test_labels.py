"""Prepare and the labels: a change is told once, before training is paid for; a closed set keeps others out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from domain import layout
from domain.errors import EpochChanged
from lambdas.dataset.pending import current_dataset, current_sources, pending
from lambdas.storage import landed, read_version
from tests.lambdas.project import Project, passed, reviews
from tests.lambdas.steps.test_prepare import again, ask, conclude, promote


def test_changed_labels_are_told_once_before_training_and_kept_with_the_run(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    assert project.env.ledger.run(first["run"]).labels is None  # type: ignore[union-attr]
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
    assert read_version(project.env, 1, project.dataset(prepared)).labels == ("neg", "pos")
    (source,) = landed(project.env)
    (entry,) = project.read(layout.quarantine(source.source)).splitlines()
    assert {name: json.loads(entry)[name] for name in ("line", "rule", "excerpt")} == {
        "line": 42, "rule": "label-not-allowed", "excerpt": "'posi'",
    }  # fmt: skip
    project.configure(data={"labels": ["neg", "pos", "posi"]})
    with pytest.raises(EpochChanged, match=r"data.labels cannot change within epoch 1"):
        again(project)


def test_a_stray_label_is_set_aside_told_and_comes_in_once_there_is_enough_of_it(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    promote(project, first)
    project.notifications()
    project.drop("b.csv", "text,label\nodd one,neutral\n")
    prepared = again(project)
    assert prepared["outcome"] == "train"
    version = read_version(project.env, 1, project.dataset(prepared))
    assert (version.labels, version.set_aside) == (("neg", "pos"), ("neutral",))
    run = project.env.ledger.run(prepared["run"])
    assert run is not None
    assert run.labels == "Labels set aside until there are 2 different training rows of each: 'neutral' (1 rows)."
    (told,) = project.notifications()
    assert told["Message"].startswith(run.labels)
    # What landed is concluded, whichever of its labels are set aside.
    assert pending(project.env) is not None
    project.env.ledger.promote(run.execution, passed(replace(run, champion_version=1)), "now")
    conclude(project, prepared, "promote")
    assert pending(project.env) is None
    assert again(project)["outcome"] == "nothing_new"

    project.drop("c.csv", reviews(10, 100))
    more = again(project)
    assert read_version(project.env, 1, project.dataset(more)).set_aside == ("neutral",)
    assert project.notifications() == [], "it was told when it was set aside"

    project.drop("d.csv", "text,label\n" + "".join(f"odd one {number},neutral\n" for number in range(20)))
    enough = again(project)
    version = read_version(project.env, 1, project.dataset(enough))
    assert (version.labels, version.set_aside) == (("neg", "neutral", "pos"), ())
    (told,) = project.notifications()
    assert "Labels new: 'neutral' (21 rows)" in told["Message"]


def test_the_labels_set_aside_are_part_of_the_version_and_not_of_what_is_pending(project: Project) -> None:
    project.drop("a.csv", reviews(60) + "".join(f"odd one {number},neutral\n" for number in range(14)))
    whole = ask(project.claim())
    project.configure(data={"min_label_rows": 6})
    without = again(project)
    assert without["outcome"] == "train"
    assert read_version(project.env, 1, project.dataset(without)).set_aside == ("neutral",)
    project.configure(data={"min_label_rows": 40})
    all_aside = again(project)
    assert all_aside["outcome"] == "refused"
    assert len({project.dataset(found) for found in (whole, without, all_aside)}) == 3
    assert len({found["run"] for found in (whole, without, all_aside)}) == 3
    for least in (2, 6):
        project.configure(data={"min_label_rows": least})
        assert pending(project.env) is None, "a setting alone starts no training"


def test_one_label_after_the_fold_is_refused_before_money_is_spent(project: Project) -> None:
    project.drop("a.csv", reviews(60))
    ask(project.claim())
    project.drop("b.csv", reviews(60).replace(",neg", ",pos"))
    prepared = again(project)
    assert prepared["outcome"] == "refused"
    run = project.env.ledger.run(prepared["run"])
    assert run is not None
    assert "1 label of 2 needed: ['pos']" in str(run.sentence)
    assert "are set aside: 'neg'" in str(run.sentence)
    assert pending(project.env) is None
    assert again(project)["outcome"] == "nothing_new"


def test_failed_attempts_count_for_what_landed_whatever_is_set_aside(project: Project) -> None:
    project.drop("a.csv", reviews(40) + "odd one,neutral\n")
    run = project.env.ledger.run(ask(project.claim())["run"])
    assert run is not None
    assert run.landed == current_dataset(project.env, current_sources(project.env)) == run.closes
    assert run.dataset != run.landed
