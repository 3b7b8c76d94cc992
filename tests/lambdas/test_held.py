"""What `mlops held` shows and `mlops release` takes: the holds that have an effect on landing as it is."""

from __future__ import annotations

from domain.data.dataset import Hold
from lambdas.storage import landed
from ops.deployment import Deployment
from ops.held import find, in_force
from tests.lambdas.project import Project, reviews


def test_a_hold_of_a_file_that_was_overwritten_or_deleted_is_over(project: Project) -> None:
    ledger = project.env.ledger
    deployment = Deployment.find(project.name)
    project.drop("a.csv", reviews(10))
    (first,) = landed(project.env)
    ledger.hold(Hold(first, "r1", "worse"))
    assert list(in_force(deployment)) == [first.source]
    project.drop("a.csv", reviews(10, 10))
    assert in_force(deployment) == {}
    (second,) = landed(project.env)
    ledger.hold(Hold(second, "r2", "worse"))
    assert find(in_force(deployment), "a.csv").source == second, "the hold of before does not make it ambiguous"
    project.delete("a.csv")
    assert in_force(deployment) == {}
