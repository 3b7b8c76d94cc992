"""`mlops approve`: let a model go live that passed the gate and waits for a person."""

from __future__ import annotations

from rich.console import Console

from ops.deployment import Deployment
from ops.errors import Unusable, in_plain_words
from ops.find import find_run


def approve(deployment: Deployment, prefix: str, console: Console) -> str:
    """Approve the run whose id starts with `prefix` in the model registry; the version's ARN.

    The registry's event does the rest, as it does when somebody approves there. Raises NotFound, and Unusable for a run
    that does not wait.
    """
    with in_plain_words(deployment.project):
        run = find_run(deployment, prefix)
        if not run.awaits_approval:
            raise Unusable(f"run {run.run} does not wait for approval: {run.sentence or 'it is not judged yet'}")
        # What was judged names its version: a run's record is written by more than Evaluate.
        judgement = deployment.ledger.judgements.of(run.run)
        if judgement is None:
            raise Unusable(f"run {run.run} was judged by an earlier release, which sealed nothing: mlops retrain")
        package = judgement.package
        if package is None:
            raise Unusable(f"run {run.run} has no version in the model registry: mlops retrain")
        deployment.client("sagemaker").update_model_package(
            ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="mlops approve"
        )
    archive, version = judgement.seal.archive[:12], package.rsplit(":", 1)[1]
    console.print(f"Approved {version} (run {run.run}, archive {archive}…). It is being deployed: mlops watch")
    return package
