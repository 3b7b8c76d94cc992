"""Prepare and files that are set aside: held and said, and the rest goes on without them."""

from __future__ import annotations

import pytest

from domain import layout
from domain.data.dataset import Hold
from lambdas.dataset import parts
from lambdas.storage import landed
from tests.lambdas.project import Project, reviews
from tests.lambdas.steps.test_prepare import again, ask, names, promote


def test_a_rejected_file_is_held_and_said_and_the_rest_goes_on(project: Project) -> None:
    project.drop("bad.csv", "wrong;columns\n1;2\n")
    project.drop("good.csv", reviews(40))
    prepared = ask(project.claim())
    assert names(project, prepared) == ["good.csv"]
    (hold,) = project.env.ledger.held().values()
    assert hold.source.key == "landing/bad.csv"
    (told,) = project.notifications()
    assert "landing/bad.csv was not used: no column" in told["Message"]
    again(project)
    assert project.notifications() == [], "it is said once"


def test_many_rejected_files_are_one_message(project: Project) -> None:
    for number in range(30):
        project.drop(f"bad-{number:02}.csv", f"wrong;columns\n{number};2\n")
    project.drop("good.csv", reviews(40))
    assert names(project, ask(project.claim())) == ["good.csv"]
    assert len(project.env.ledger.held()) == 30
    (told,) = project.notifications()
    assert told["Subject"] == f"{project.name}: 30 files were rejected"
    lines = told["Message"].splitlines()
    assert lines[0].startswith("landing/bad-00.csv was not used: no column")
    assert lines[10:] == [
        "And 20 more, which mlops held lists.",
        "Mend them and drop them again; nothing else is needed.",
    ]
    again(project)
    assert project.notifications() == []


def test_what_had_too_many_broken_rows_is_taken_in_once_the_settings_allow_it(project: Project) -> None:
    project.drop("good.csv", reviews(40))
    project.drop("half.csv", reviews(40, 40) + "no label,\n" * 30)
    assert names(project, ask(project.claim())) == ["good.csv"]
    assert len(project.notifications()) == 1
    project.configure(data={"max_rejected_fraction": 0.4})
    assert names(project, again(project)) == ["good.csv"], "30 of 70 are more than that"
    project.configure(data={"max_rejected_fraction": 0.5})
    prepared = again(project)
    assert names(project, prepared) == ["good.csv", "half.csv"]
    assert project.env.ledger.held() == {}
    assert names(project, again(project)) == ["good.csv", "half.csv"]
    assert project.notifications() == []


def test_a_file_too_large_for_one_lambda_is_held_and_the_rest_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = reviews(40)
    monkeypatch.setattr(parts, "MAX_FILE_BYTES", len(small))
    project.drop("small.csv", small)
    project.drop("large.csv", reviews(41))
    assert names(project, ask(project.claim())) == ["small.csv"]
    (told,) = project.notifications()
    assert "landing/large.csv was not used" in told["Message"]
    assert "split the file" in told["Message"]


def test_an_invocation_that_ran_out_of_time_is_gone_on_with(project: Project) -> None:
    for number in range(3):
        project.drop(f"{number}.csv", reviews(40, first=40 * number))
    derived = [source for source in landed(project.env) if not source.key.endswith("2.csv")]
    for source in derived:
        parts.ensure_derived(project.env, source)
        # Only a file that is derived again would bring its part back.
        project.client("s3").delete_object(Bucket=project.bucket, Key=layout.part(1, "train", source.source))
    prepared = ask(project.claim())
    assert names(project, prepared) == ["0.csv", "1.csv", "2.csv"]
    assert len(project.listed(f"{layout.epoch_prefix(1)}parts/train/")) == 1


def test_killed_before_it_is_held_it_is_said_again_rather_than_never(project: Project) -> None:
    project.drop("bad.csv", "wrong\n")
    ask(project.claim())
    for source in project.env.ledger.held():
        project.env.ledger.unhold(source)
    again(project)
    assert len(project.notifications()) == 2
    assert len(project.env.ledger.held()) == 1


def test_a_mended_file_is_taken(project: Project) -> None:
    project.drop("a.csv", "wrong\n")
    assert ask(project.claim())["outcome"] == "nothing_new"
    project.drop("a.csv", reviews(40))
    assert again(project)["outcome"] == "train"


def test_a_rejected_overwrite_leaves_what_the_champion_has(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    promote(project, first)
    project.drop("a.csv", "wrong\n")
    for _ in range(2):
        prepared = again(project)
        assert (prepared["outcome"], project.dataset(prepared)) == ("nothing_new", project.dataset(first))


def test_a_held_source_stays_out_until_it_is_released(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    project.drop("b.csv", reviews(40, 100, flipped=True))
    bad = next(source for source in landed(project.env) if source.key.endswith("b.csv"))
    project.env.ledger.hold(Hold(bad, "r", "worse"))
    assert names(project, ask(project.claim())) == ["a.csv"]
    project.env.ledger.unhold(bad.source)
    assert names(project, again(project)) == ["a.csv", "b.csv"]
