"""A person goes back to a former model, and lets one go live that was given up, by the commands."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from domain import layout
from domain.state import Champion
from ops import rollback
from ops.deployment import Deployment
from ops.errors import NotFound, Unusable
from ops.explain import explain
from ops.promote import promote
from tests.e2e.driver import Pipeline
from tests.e2e.material import reviews


def shown(what: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def champion(pipeline: Pipeline) -> Champion:
    """The champion, which is what the endpoint serves."""
    found, endpoint = pipeline.ledger.champion(), pipeline.endpoint()
    assert found is not None
    assert endpoint is not None
    assert layout.deployed_run(pipeline.project, endpoint["EndpointConfigName"]) == found.run
    return found


def test_a_model_is_gone_back_from_and_does_not_come_back_by_itself(pipeline: Pipeline, switch: Path) -> None:
    deployment, quiet = Deployment.on(pipeline.cloud, pipeline.project), Console(quiet=True)
    with pytest.raises(NotFound, match="No model is live"):
        rollback.table(deployment)
    pipeline.drop_rows("first", reviews(400, seed=1))
    first = pipeline.concluded("promote")
    with pytest.raises(NotFound, match="no model before this one"):
        rollback.rollback(deployment, None, "too early", quiet, hold=False)
    bad = pipeline.drop_rows("second", reviews(400, seed=2))
    second = pipeline.concluded("promote", runs=2)
    pipeline.notifications()
    rows = [line.split() for line in shown(rollback.table(deployment)).splitlines()]
    assert [row[0] for row in rows if row and row[0] in (first.run, second.run)] == [second.run, first.run]

    given = rollback.rollback(deployment, first.run[:6], "it answers wrongly", quiet, hold=True)
    assert rollback.rollback(deployment, None, "typed twice", quiet, hold=True) == given
    back = pipeline.concluded("restored", runs=3)
    assert (champion(pipeline).run, champion(pipeline).version) == (first.run, 3)
    assert (back.makes_live, str(back.by).rsplit(":", 1)[-1]) == (first.run, "root")
    said = pipeline.until("the notification", pipeline.notifications)
    assert len(said) == 1
    assert f"run {first.run} is live again in place of run {second.run}" in said[0]
    assert "it answers wrongly" in said[0]
    console = Console(file=io.StringIO(), width=200)
    explain(deployment, back.run, console)
    assert f"the model is that of run {first.run}" in console.file.getvalue()  # type: ignore[attr-defined]

    held, jobs = pipeline.ledger.held(), pipeline.jobs()
    assert [hold.source.key for hold in held.values()] == [f"{layout.LANDING}{bad}"]
    pipeline.start({"reason": "sweep", "from": "Settle"})
    pipeline.rest()
    assert (champion(pipeline).version, pipeline.jobs()) == (3, jobs), "neither trained nor judged anew"
    with pytest.raises(NotFound, match="no model before this one"):
        rollback.rollback(deployment, None, "twice", quiet, hold=False)

    # What comes later is judged against what is live; here it cannot start, and a person lets it live all the same.
    switch.write_text(first.run)
    pipeline.drop_rows("third", reviews(400, seed=3))
    third = pipeline.concluded("gave-up", runs=4)
    receipt = pipeline.read_json(layout.run_file(third.run, "receipt.json"))
    assert receipt["champion"]["run"] == first.run
    assert f"{layout.LANDING}{bad}" not in [source["key"] for source in receipt["data"]["sources"]]
    switch.unlink()
    with pytest.raises(Unusable, match="was live before: mlops rollback --to"):
        promote(deployment, second.run, "as before", quiet)
    promote(deployment, third.run, "its server was at fault", quiet)
    past = pipeline.concluded("promote", runs=5)
    assert (past.makes_live, champion(pipeline).run) == (third.run, third.run)
    pipeline.start({"reason": "sweep", "from": "Settle"})
    pipeline.rest()
    assert champion(pipeline).version == 4
