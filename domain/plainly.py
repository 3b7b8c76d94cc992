"""A failure in plain words: what, which run, why, what to do."""

from __future__ import annotations

import json
from typing import Any

_ADVICE = {
    "EpochChanged": (
        "Set the value back in cdk.json, deploy, and run: mlops retrain. "
        "Or raise data.epoch there and deploy, to start over."
    ),
    "RolledBack": (
        "The previous model answers as before. Look at the endpoint's log, then drop more data or run: mlops retrain"
    ),
    "ApprovedTooLate": "It was approved too late. Judge the data against today's champion: mlops retrain",
    "ModelUnreadable": "Look at the run's training job and its artifact, then run: mlops retrain",
    "Sandbox.Timedout": (
        "A function ran out of time. If that was Prepare, landing holds more than it can derive at once: "
        "what it derived is kept, and mlops retrain goes on from there."
    ),
    "ConvergenceFailed": "The endpoint may not serve the promoted model. Look at it in the SageMaker console.",
}
_QUOTA_ADVICE = (
    "Ask for more under Service Quotas, Amazon SageMaker, "
    "'<instance type> for spot training job usage' (or '… for training job usage'), then run: mlops retrain"
)


def explain_failure(
    *, project: str, status: str, error: str, cause: str, execution: str, run: str, gave_up: str, lost: bool
) -> tuple[str, str]:
    """(subject, message) for a person about an execution that ended FAILED, ABORTED or TIMED_OUT."""
    what = {"ABORTED": "was stopped", "TIMED_OUT": "ran out of time"}.get(status, "failed")
    about = f"run {run}" if run else "an execution"
    why = reason(cause) or error or "no reason was given"
    lines = [f"{about[0].upper()}{about[1:]} of {project} {what}: {why}"]
    if gave_up:
        lines.append(f"It is not tried again by itself ({gave_up}).")
    if "ResourceLimitExceeded" in error + cause:
        lines.append(_QUOTA_ADVICE)
    elif error in _ADVICE:
        lines.append(_ADVICE[error])
    if lost:
        lines.append("The endpoint could not be brought back by itself: please look at it.")
    lines.append(f"Execution: {execution}")
    return f"{project}: {about} {what}", "\n".join(lines)


def reason(cause: str) -> str:
    """The sentence inside a Step Functions cause: a job's FailureReason, a Lambda's errorMessage, or itself."""
    try:
        found: Any = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(found, dict):
        return cause
    return str(found.get("FailureReason") or found.get("errorMessage") or cause)
