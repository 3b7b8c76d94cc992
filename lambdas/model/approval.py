"""Whether a person has approved what was judged: asked before each deployment, and before the champion moves.

Whoever may start executions is not thereby an approver. So it takes two: the ledger's item, which Approve alone writes,
and the version in the registry, as it is now; both for the very archive that was judged.
"""

from __future__ import annotations

from domain.errors import NotApproved, RejectedMeanwhile
from domain.state import AWAITING, Judgement, Run
from lambdas.environment import Environment
from lambdas.model import archives, registry


def needs_approval(env: Environment, judgement: Judgement) -> bool:
    """Whether a person has the last word: by the settings of now, or of when it was judged."""
    return judgement.waits or env.settings.gate.approval == "manual"


def require_noted(env: Environment, judgement: Judgement) -> None:
    """Raise NotApproved if a person has to approve what was judged, and the ledger knows of nobody who has."""
    if needs_approval(env, judgement) and env.ledger.judgements.approval(judgement) is None:
        raise NotApproved(
            f"nobody has approved run {judgement.run}, whose archive is {judgement.seal.archive[:12]}…: "
            f"`mlops approve {judgement.run}` does, or its version in the model registry"
        )


def require_in_registry(env: Environment, judgement: Judgement) -> None:
    """Raise NotApproved if a person has to approve what was judged, and the registry does not say so (any more)."""
    if not needs_approval(env, judgement):
        return
    version = registry.version(env, judgement.package) if judgement.package else None
    wanted = (judgement.run, archives.uri(env, judgement.seal.archive))
    if version is None or (version.run, version.artifact) != wanted:
        raise NotApproved(
            f"version {judgement.package or '(none)'} in the model registry is not of run {judgement.run}"
        )
    if version.status != registry.APPROVED:
        raise NotApproved(f"run {judgement.run} is {version.status} in the model registry, not {registry.APPROVED}")


def require_open(run: Run) -> None:
    """Raise RejectedMeanwhile if a run that passed the gate must not go live any more."""
    if run.verdict not in (None, AWAITING, "promote"):
        raise RejectedMeanwhile(f"run {run.run} ended as {run.verdict!r} while it was being deployed: {run.sentence}")
