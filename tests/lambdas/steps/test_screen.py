"""Screen on real sources: the champion is asked, and what it cannot make sense of is held before it is trained on."""

from __future__ import annotations

from typing import Any

import pytest

from domain import layout
from domain.errors import ModelUnreadable, Superseded
from domain.state import Run
from lambdas.steps import prepare, promote, reject, screen
from tests.lambdas.models import Models
from tests.lambdas.project import Project
from tests.lambdas.steps.test_evaluate import champion, judge, prepared


@pytest.fixture
def live(project: Project, models: Models, job: str) -> Run:
    """A champion that is right on all of the first 400 rows: as many as it takes to have MIN_ROWS held out."""
    project.drop("a.csv", models.reviews(0, 400))
    return champion(project, models.right, job)


def ask(project: Project, run: Run) -> dict[str, Any]:
    return screen.handler({"execution": run.execution, "run": run.run}, None)


def test_an_honest_file_passes(project: Project, models: Models, live: Run) -> None:
    project.drop("b.csv", models.reviews(400, 500))
    run = prepared(project)
    assert ask(project, run) == {"outcome": "passed"}
    page = project.json(layout.run_file(run.run, "screen.json"))
    assert page["champion"] == live.run
    assert page["reference"]["disagreed"] == 0
    assert [(found["held"], found["rate"]) for found in page["findings"]] == [(False, 0.0)]


def test_flipped_labels_are_held_and_the_rest_of_the_drop_goes_on(project: Project, models: Models, live: Run) -> None:
    project.drop("good.csv", models.reviews(400, 450))
    project.drop("poison.csv", models.reviews(450, 550, flipped=True))
    run = prepared(project)
    for _ in range(2):
        assert ask(project, run) == {"outcome": "held"}
        (hold,) = project.env.ledger.held().values()
        assert (hold.source.key, hold.run) == ("landing/poison.csv", run.run)
        assert hold.reason.startswith("Screened out before training: landing/poison.csv: the live model disagrees")
        ended = project.env.ledger.run(run.run)
        assert ended is not None
        assert ended.verdict == project.env.ledger.conclusion(run.dataset) == "screened"
        assert "landing/poison.csv: the live model disagrees with" in str(ended.sentence)
        assert "good.csv" not in str(ended.sentence)
    rest = prepared(project)
    assert ask(project, rest) == {"outcome": "passed"}
    assert rest.dataset not in (run.dataset, live.dataset)


def test_a_harmful_overwrite_leaves_its_predecessor_in_place(project: Project, models: Models, live: Run) -> None:
    project.drop("a.csv", models.reviews(0, 400, flipped=True))
    assert ask(project, prepared(project)) == {"outcome": "held"}
    (hold,) = project.env.ledger.held().values()
    assert hold.predecessor is not None
    project.env.ledger.release(str(project.env.ledger.claimed_by()))
    again = prepare.handler({"execution": project.claim(), "reason": "sweep"}, None)
    assert (again["outcome"], project.dataset(again)) == ("nothing_new", live.dataset)


def test_what_a_person_vouched_for_passes(project: Project, models: Models, live: Run) -> None:
    project.drop("b.csv", models.reviews(400, 500, flipped=True))
    ask(project, prepared(project))
    (source,) = project.env.ledger.held()
    project.env.ledger.vouch(source)
    project.env.ledger.unhold(source)
    project.env.ledger.request("r", "released", "now")
    assert ask(project, prepared(project)) == {"outcome": "passed"}
    assert project.env.ledger.held() == {}


def test_switched_off_without_a_champion_or_in_a_new_epoch_nobody_is_asked(
    project: Project, models: Models, job: str
) -> None:
    project.drop("a.csv", models.reviews(0, 400))
    assert ask(project, prepared(project)) == {"outcome": "passed"}
    champion(project, models.right, job)
    project.drop("b.csv", models.reviews(400, 500, flipped=True))
    project.configure(screen={"enabled": False})
    assert ask(project, prepared(project)) == {"outcome": "passed"}
    project.configure(data={"epoch": 2})
    assert ask(project, prepared(project)) == {"outcome": "passed"}
    assert project.env.ledger.held() == {}


@pytest.mark.parametrize("enabled", [True, False], ids=["by Screen", "by the gate"])
def test_a_poisoned_drop_is_stopped_and_later_good_drops_are_promoted(
    project: Project, models: Models, job: str, live: Run, enabled: bool
) -> None:
    project.configure(screen={"enabled": enabled})
    project.drop("poison.csv", models.reviews(400, 500, flipped=True))
    poisoned = prepared(project)
    if ask(project, poisoned) == {"outcome": "passed"}:
        assert not enabled
        # What learned from it is wrong where the live model is right.
        assert judge(project, poisoned, models.other, job)[0]["verdict"] == "reject"
        reject.handler({"execution": poisoned.execution, "run": poisoned.run}, None)
    assert [hold.source.key for hold in project.env.ledger.held().values()] == ["landing/poison.csv"]
    assert project.env.ledger.conclusion(poisoned.dataset) == ("screened" if enabled else "reject")

    for number, name in enumerate(["good.csv", "more.csv"]):
        project.drop(name, models.reviews(500 + 50 * number, 550 + 50 * number))
        run = prepared(project)
        assert ask(project, run) == {"outcome": "passed"}
        manifest = project.json(layout.version(1, run.dataset, "manifest.json"))
        assert "landing/poison.csv" not in [source["key"] for source in manifest["sources"]]
        answer, judged = judge(project, run, models.equal, job)
        assert answer["verdict"] == "promote", judged.sentence
        promote.handler({"execution": run.execution, "run": run.run}, None)
    now = project.env.ledger.champion()
    assert now is not None
    assert now.run == run.run


def test_a_champion_that_cannot_be_loaded_is_an_error(project: Project, models: Models, live: Run) -> None:
    bucket, key = layout.split_uri(str(live.artifact))
    project.client("s3").put_object(Bucket=bucket, Key=key, Body=b"no tarball")
    project.drop("b.csv", models.reviews(400, 500))
    run = prepared(project)
    with pytest.raises(ModelUnreadable, match=f"the model of run {live.run}"):
        ask(project, run)


def test_without_the_claim_nothing_is_held(project: Project, models: Models, live: Run) -> None:
    project.drop("b.csv", models.reviews(400, 500, flipped=True))
    run = prepared(project)
    project.env.ledger.hand_over(run.execution, "successor", "now")
    with pytest.raises(Superseded):
        ask(project, run)
    assert project.env.ledger.held() == {}


def test_rows_of_a_label_set_aside_are_not_asked_about(project: Project, models: Models, live: Run) -> None:
    project.drop("b.csv", models.reviews(400, 500).replace(",pos", ",stray"))
    project.configure(data={"min_label_rows": 60})
    run = prepared(project)
    assert ask(project, run) == {"outcome": "passed"}
    (found,) = project.json(layout.run_file(run.run, "screen.json"))["findings"] or [None]
    assert found is None or found["sample"]["unknown"] == 0
