"""With `gate.approval: manual` it takes the ledger's approval and the registry's, both of exactly what was judged.

Whoever may start executions, or write a run's record, or has one of the two, is not thereby an approver.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import NotApproved, NotToBeDeployed
from domain.state import Run
from lambdas.dataset.pending import pending
from lambdas.events import approve
from lambdas.model import hosting
from lambdas.steps import promote, release
from tests.lambdas.events.test_approve import decide, note, waiting
from tests.lambdas.models import Models
from tests.lambdas.project import Project, until
from tests.lambdas.steps.test_evaluate import judge, prepared
from tests.lambdas.steps.test_redeploy import crown, deploy

__all__ = ["waiting"]


def in_registry(project: Project, run: Run, status: str) -> None:
    """A person's word in the registry, whose event has not come yet."""
    project.client("sagemaker").update_model_package(ModelPackageArn=run.package, ModelApprovalStatus=status)


def refused(project: Project, run: Run, words: str) -> None:
    """Neither rehearsed, nor live, nor promoted; and the run goes on waiting."""
    execution = project.claim()
    for stage in ("rehearsal", "live"):
        with pytest.raises(NotApproved, match=words):
            deploy(execution, "candidate", run.run, stage)
    with pytest.raises(NotApproved, match=words):
        promote.handler({"execution": execution, "run": run.run}, None)
    assert project.client("sagemaker").list_models(NameContains=f"{project.name}-")["Models"] == []
    failed = {"error": "NotApproved", "cause": "nobody"}
    assert release.handler({"execution": execution, "run": run.run, "failed": failed}, None)["started"] is None
    assert project.env.ledger.champion() is None


def test_one_that_nobody_approved_is_refused_and_waits_on(project: Project, waiting: Run) -> None:
    refused(project, waiting, f"nobody has approved run {waiting.run}")
    assert project.env.ledger.run(waiting.run) == waiting


def test_what_prepare_may_write_approves_nothing(project: Project, waiting: Run) -> None:
    project.env.ledger.save_run(replace(waiting, verdict=None, judged="promote"))
    refused(project, waiting, "nobody has approved")


def test_the_registry_alone_is_not_enough(project: Project, waiting: Run) -> None:
    in_registry(project, waiting, "Approved")
    refused(project, waiting, "nobody has approved")


def test_the_ledger_alone_is_not_enough_and_is_not_tried_for_ever(project: Project, waiting: Run) -> None:
    note(project, waiting)
    assert pending(project.env) is not None
    refused(project, waiting, "is PendingManualApproval in the model registry, not Approved")
    ended = project.env.ledger.run(waiting.run)
    assert ended is not None
    assert (ended.verdict, ended.sentence) == ("gave-up", "NotApproved: nobody")
    assert pending(project.env) is None


def test_an_approval_that_is_taken_back_stops_what_is_on_its_way(project: Project, waiting: Run) -> None:
    decide(project, waiting, "Approved")
    execution = project.claim()
    rehearsal = deploy(execution, "candidate", waiting.run, "rehearsal")["endpoint"]
    assert hosting.describe_endpoint(project.env, rehearsal) is not None, "it is on its way"
    in_registry(project, waiting, "Rejected")
    with pytest.raises(NotApproved, match="is Rejected in the model registry"):
        deploy(execution, "candidate", waiting.run, "live")
    with pytest.raises(NotApproved, match="is Rejected in the model registry"):
        promote.handler({"execution": execution, "run": waiting.run}, None)


def test_an_approval_of_another_archive_of_the_run_is_none(project: Project, models: Models, waiting: Run) -> None:
    decide(project, waiting, "Approved")
    # Judged once more, with other bytes, by a later try.
    project.judgement(waiting, project.seal(models.constant), waits=True)
    refused(project, waiting, "nobody has approved")
    assert pending(project.env) is None


def test_neither_is_a_version_of_another_archive(project: Project, models: Models, waiting: Run) -> None:
    decide(project, waiting, "Approved")
    project.judgement(waiting, project.seal(models.constant), waits=True)
    note(project, waiting)
    refused(project, waiting, "in the model registry is not of run")


def test_an_event_about_another_archive_of_the_run_starts_nothing(
    project: Project, models: Models, waiting: Run
) -> None:
    project.judgement(waiting, project.seal(models.constant), waits=True)
    decide(project, waiting, "Approved")
    assert project.env.ledger.judgements.approved() == []
    assert not [name for name in project.executions() if name.startswith("approved-")]


def test_one_judged_when_nobody_had_to_approve_needs_it_since_somebody_has(
    project: Project, models: Models, job: str
) -> None:
    project.drop("a.csv", models.reviews())
    _, run = judge(project, prepared(project), models.right, job)
    project.configure(gate={"approval": "manual"})
    with pytest.raises(NotApproved, match="nobody has approved"):
        deploy(run.execution, "candidate", run.run)


def test_one_that_was_to_wait_waits_whatever_the_settings_say_now(project: Project, waiting: Run) -> None:
    project.configure(gate={"approval": "auto"})
    refused(project, waiting, "nobody has approved")


def test_a_promotion_whose_answer_was_lost_needs_no_second_approval(project: Project, waiting: Run) -> None:
    decide(project, waiting, "Approved")
    execution = project.claim()
    config = deploy(execution, "candidate", waiting.run)["config"]
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == config)
    for _ in range(2):
        crown(replace(waiting, execution=execution))
    champion = project.env.ledger.champion()
    assert champion is not None
    assert (champion.run, champion.version) == (waiting.run, 1)
    assert project.env.ledger.judgements.approved() == []


def test_one_that_an_earlier_release_judged_is_kept_out_when_it_is_approved(project: Project, waiting: Run) -> None:
    project.env.ledger._items.delete({"pk": "judgement", "sk": waiting.run})
    with pytest.raises(NotToBeDeployed, match="has not passed the gate"):
        deploy(project.claim(), "candidate", waiting.run)
    in_registry(project, waiting, "Approved")
    approve.handler({"detail": {"ModelPackageArn": waiting.package}}, None)
    ended = project.env.ledger.run(waiting.run)
    assert ended is not None
    assert ended.verdict == "keep"
    assert "an earlier release judged this model" in str(ended.sentence)
