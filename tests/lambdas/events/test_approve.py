"""The registry has a version of each judged model, and a person's word on it is carried out, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain import layout
from domain.errors import ApprovedTooLate, RejectedMeanwhile
from domain.state import Approval, Run
from lambdas.dataset.pending import pending
from lambdas.events import approve
from lambdas.model import hosting, registry
from lambdas.steps import evaluate, promote, redeploy, release
from tests.lambdas.models import Models
from tests.lambdas.project import Project, passed
from tests.lambdas.steps.test_evaluate import judge, prepared


def versions(project: Project) -> list[dict[str, Any]]:
    """Descriptions of the group's versions, oldest first."""
    sagemaker = project.client("sagemaker")
    listed = sagemaker.list_model_packages(ModelPackageGroupName=project.name, SortOrder="Ascending")
    arns = [item["ModelPackageArn"] for item in listed["ModelPackageSummaryList"]]
    return [sagemaker.describe_model_package(ModelPackageName=arn) for arn in arns]


def decide(project: Project, run: Run, status: str) -> None:
    """A person's word in the registry, and the event of it, twice."""
    project.client("sagemaker").update_model_package(ModelPackageArn=run.package, ModelApprovalStatus=status)
    for _ in range(2):
        approve.handler({"detail": {"ModelPackageArn": run.package, "ModelApprovalStatus": status}}, None)


def note(project: Project, run: Run) -> None:
    """An approval on record, as only Approve may write it."""
    judgement = project.env.ledger.judgements.of(run.run)
    assert judgement is not None
    approval = Approval(run.run, str(judgement.package), judgement.seal.archive)
    project.env.ledger.judgements.approve(approval, "now")


@pytest.fixture
def waiting(project: Project, models: Models, job: str) -> Run:
    """A first model that passed and waits."""
    project.configure(gate={"approval": "manual"})
    project.drop("a.csv", models.reviews())
    answer, run = judge(project, prepared(project), models.right, job)
    assert answer["verdict"] == "awaiting-approval"
    project.env.ledger.release(run.execution)
    return run


@pytest.mark.parametrize(("model", "status"), [("right", "Approved"), ("constant", "Rejected")])
def test_a_judged_model_is_a_version(project: Project, models: Models, job: str, model: str, status: str) -> None:
    project.drop("a.csv", models.reviews())
    answer, run = judge(project, prepared(project), getattr(models, model), job)
    (version,) = versions(project)
    assert (version["ModelPackageArn"], version["ModelApprovalStatus"]) == (run.package, status)
    judgement = project.env.ledger.judgements.of(run.run)
    assert judgement is not None
    assert version["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == run.artifact
    assert run.artifact == f"s3://{project.bucket}/released/{judgement.seal.archive}/model.tar.gz"
    receipt = layout.s3_uri(project.bucket, layout.run_file(run.run, "receipt.json"))
    assert version["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == receipt
    said = version["CustomerMetadataProperties"]
    assert (said["run"], said["verdict"]) == (run.run, answer["verdict"])
    assert said["sha256"] == judgement.seal.archive
    assert (judgement.package, judgement.verdict) == (run.package, answer["verdict"])


def test_evaluated_twice_it_is_one_version(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    _, run = judge(project, prepared(project), models.right, job)
    # Killed after the version was made and before that was noted.
    before = project.env.ledger.judgements.of(run.run)
    project.env.ledger.save_run(replace(run, package=None))
    project.judgement(run, package=None)
    uri = layout.s3_uri(project.bucket, f"{layout.MODELS}{project.name}-{run.run}-1/output/model.tar.gz")
    message = {"execution": run.execution, "run": run.run, "job": job, "artifact": uri}
    evaluate.handler(message, None)
    assert len(versions(project)) == 1
    assert project.env.ledger.run(run.run) == run
    after = project.env.ledger.judgements.of(run.run)
    assert before is not None
    assert after is not None
    assert after == before


def test_a_model_that_passed_waits(project: Project, waiting: Run) -> None:
    assert waiting.awaits_approval
    assert str(waiting.sentence).startswith("Passed: ")
    assert project.env.ledger.conclusion(waiting.dataset) == "awaiting-approval"
    (version,) = versions(project)
    assert version["ModelApprovalStatus"] == "PendingManualApproval"


def test_an_approved_one_is_deployed_by_one_execution(project: Project, waiting: Run) -> None:
    decide(project, waiting, "Approved")
    assert project.env.ledger.judgements.approved() == [waiting.run]
    message = {"reason": "approved", "from": "Redeploy", "run": waiting.run}
    assert project.executions()[f"approved-{waiting.run}-0"] == message
    execution = project.claim()
    answer = redeploy.handler({"execution": execution, "target": "candidate", "run": waiting.run}, None)
    assert hosting.describe_endpoint(project.env, str(answer["endpoint"])) is not None, "it is on its way"
    run = project.env.ledger.run(waiting.run)
    assert run is not None
    assert (run.execution, run.awaits_approval) == (execution, True)
    promote.handler({"execution": execution, "run": run.run}, None)
    assert project.env.ledger.judgements.approved() == []
    decide(project, waiting, "Approved")
    assert project.env.ledger.judgements.approved() == [], "an event that comes late asks for nothing"


def test_an_approval_that_met_another_run_is_found_by_its_release(project: Project, waiting: Run) -> None:
    execution = project.claim()
    note(project, waiting)
    release.handler({"execution": execution}, None)
    following = [message for name, message in project.executions().items() if name.startswith("after-")]
    assert following == [{"reason": "approved", "from": "Redeploy", "run": waiting.run, "chain": 0}]


def test_approved_after_another_was_promoted_it_is_given_up(project: Project, waiting: Run) -> None:
    execution = project.claim()
    project.env.ledger.promote(execution, passed(replace(waiting, run="0123456789ab")), "now")
    decide(project, waiting, "Approved")
    with pytest.raises(ApprovedTooLate, match="judged against champion 0"):
        redeploy.handler({"execution": execution, "target": "candidate", "run": waiting.run}, None)
    failed = {"error": "ApprovedTooLate", "cause": "another"}
    release.handler({"execution": execution, "run": waiting.run, "failed": failed}, None)
    ended = project.env.ledger.run(waiting.run)
    assert ended is not None
    assert ended.verdict == "gave-up"
    assert project.env.ledger.judgements.approved() == []


def test_a_rejected_one_is_kept_out(project: Project, waiting: Run) -> None:
    decide(project, waiting, "Rejected")
    run = project.env.ledger.run(waiting.run)
    assert run is not None
    assert (run.verdict, project.env.ledger.conclusion(run.dataset)) == ("keep", "keep")
    assert project.env.ledger.judgements.approved() == []
    decide(project, waiting, "Approved")
    assert project.env.ledger.judgements.approved() == []


def test_one_rejected_while_it_is_deployed_does_not_go_live(project: Project, waiting: Run) -> None:
    decide(project, waiting, "Approved")
    execution = project.claim()
    message = {"execution": execution, "target": "candidate", "run": waiting.run, "stage": "rehearsal"}
    answer = redeploy.handler(message, None)
    assert hosting.describe_endpoint(project.env, str(answer["endpoint"])) is not None, "it is on its way"
    decide(project, waiting, "Rejected")
    with pytest.raises(RejectedMeanwhile, match="a person rejected"):
        redeploy.handler({**message, "stage": "live"}, None)
    with pytest.raises(RejectedMeanwhile):
        promote.handler({"execution": execution, "run": waiting.run}, None)
    release.handler({"execution": execution, "run": waiting.run, "failed": {"error": "e", "cause": "c"}}, None)
    run = project.env.ledger.run(waiting.run)
    assert run is not None
    assert (run.verdict, project.env.ledger.champion()) == ("keep", None)


def test_an_approval_that_was_left_behind_by_a_rejection_starts_nothing(project: Project, waiting: Run) -> None:
    # `approve` was killed after it had written the verdict, and before the approval was gone.
    project.env.ledger.conclude(replace(waiting, verdict="keep"))
    note(project, waiting)
    assert pending(project.env) is None


def test_a_version_that_has_an_earlier_ones_number_is_not_taken_for_it(project: Project, waiting: Run) -> None:
    # After a teardown the next group counts from 1 again, and this run's ARN is another's.
    earlier = replace(waiting, run="0123456789ab", started="0")
    project.env.ledger.save_run(earlier)
    decide(project, waiting, "Approved")
    assert project.env.ledger.judgements.approved() == [waiting.run]


def test_what_nobody_waits_for_is_not_answered(project: Project, models: Models, job: str) -> None:
    project.drop("a.csv", models.reviews())
    _, run = judge(project, prepared(project), models.right, job)
    decide(project, run, "Approved")
    assert project.env.ledger.judgements.approved() == []
    assert not [name for name in project.executions() if name.startswith("approved-")]


def test_the_registry_goes_with_the_stack(project: Project, waiting: Run) -> None:
    assert [registry.remove(project.env) for _ in range(2)] == [True, False]
    groups = project.client("sagemaker").list_model_package_groups(NameContains=str(waiting.package).split("/")[1])
    assert groups["ModelPackageGroupSummaryList"] == []
