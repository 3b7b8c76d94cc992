"""Settle: wait for quiet, but not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lambdas.steps import settle
from tests.lambdas.project import Project


def ask(started_ago: float = 0, ahead: float = 0) -> int:
    """The wait of an execution that was started so long ago, by a clock that is `ahead` of S3's (in seconds)."""
    entered = datetime.now(UTC) + timedelta(seconds=ahead)
    moments = {"started": entered - timedelta(seconds=started_ago), "entered": entered}
    # As Step Functions writes it.
    told = {name: at.isoformat(timespec="milliseconds").replace("+00:00", "Z") for name, at in moments.items()}
    wait = settle.handler({"execution": "arn", **told}, None)["wait_seconds"]
    assert isinstance(wait, int)
    return wait


def test_an_empty_landing_is_quiet(project: Project) -> None:
    assert ask() == 0


def test_after_a_drop_it_waits_for_the_quiet_time(project: Project) -> None:
    project.configure(data={"quiet_seconds": 600, "settle_max_seconds": 9000})
    project.drop("a.csv", "x")
    assert 500 < ask() <= 601


def test_the_wait_is_bounded_from_the_start_of_the_execution(project: Project) -> None:
    project.configure(data={"quiet_seconds": 600, "settle_max_seconds": 300})
    project.drop("a.csv", "x")
    assert 150 < ask(started_ago=100) <= 201
    assert ask(started_ago=301) == 0


def test_a_file_from_the_future_has_just_come(project: Project) -> None:
    project.configure(data={"quiet_seconds": 600, "settle_max_seconds": 9000})
    project.drop("a.csv", "x")
    assert ask(ahead=-3600) == 600
    assert ask(ahead=3600) == 0


def test_without_a_quiet_time_it_does_not_wait(project: Project) -> None:
    project.configure(data={"quiet_seconds": 0})
    project.drop("a.csv", "x")
    # The clock of S3 counts whole seconds.
    assert ask() <= 1


def test_folder_markers_do_not_disturb(project: Project) -> None:
    project.configure(data={"quiet_seconds": 600})
    project.drop("folder/", "")
    assert ask() == 0
