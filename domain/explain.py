"""How a run ended, and a failure, in plain words: what, which run, why, what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from domain import errors
from domain.printable import printable
from domain.state import Run
from domain.training_failures import is_decided

_OF_ERRORS: Final = {
    errors.EpochChanged: (
        "Set the value back in cdk.json, deploy, and run: mlops retrain. "
        "Or raise data.epoch there and deploy, to start over."
    ),
    errors.ReadingChanged: (
        "Raise data.epoch in cdk.json and deploy, to start over by the new rules. The live model stays until then."
    ),
    errors.RejectedMeanwhile: "It was rejected while it was being deployed, and is not live. Nothing needs to be done.",
    errors.ApprovedTooLate: "It was approved too late. Judge the data against today's champion: mlops retrain",
    errors.NotRegistered: (
        "With gate.approval manual nobody can approve what the registry has not got. Mend what it says, then run: "
        "mlops retrain"
    ),
    errors.ModelUnreadable: "Look at the run's training job and its artifact, then run: mlops retrain",
    errors.ConvergenceFailed: "The endpoint may not serve the promoted model. Look at it in the SageMaker console.",
}
# By the name that Step Functions tells.
_ADVICE: Final = {error.__name__: advice for error, advice in _OF_ERRORS.items()} | {
    "Sandbox.Timedout": (
        "A function ran out of time. If that was Prepare, landing holds more than it can derive at once: "
        "what it derived is kept, and mlops retrain goes on from there."
    ),
}
# What a run's end is called where it is told, by its verdict. Of any other verdict its failure is told.
TITLES: Final = {
    "promote": "New Model",
    "restored": "Model Restored",
    "keep": "Model Kept",
    "reject": "Model Rejected",
    "awaiting-approval": "Model Awaiting Approval",
    "screened": "Data Held",
    "too-few-rows": "Data Refused",
}
_SHOWN: Final = 10
# With the key of an object, up to 1,024 bytes, ten of them stay far below a notification's 256 KB.
_REASON_CHARACTERS: Final = 2000
# How SageMaker words it: The account-level service limit 'ml.g4dn.xlarge for spot training job usage' is 0 Instances, …
_QUOTA = re.compile(r"service limit '([^']+)'")
_SENTENCE = re.compile(r'"(?:FailureReason|errorMessage)": ?("(?:[^"\\]|\\.)*")')
# Service Quotas' code for "Maximum total concurrency that can be allocated across all serverless endpoints".
SERVERLESS_CONCURRENCY: Final = "L-96300102"
_NO_QUOTA = re.compile(r"\bis 0 Instances")


def first_of(items: Sequence[str], separator: str) -> str:
    """The first ten of `items`, and how many more there are: thousands would not fit a notification's 256 KB."""
    more = len(items) - _SHOWN
    return separator.join(items[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def explain_end(run: Run) -> str:
    """The message for a person about a run that is concluded."""
    waits = f" It waits for a person: mlops approve {run.run}" if run.awaits_approval else ""
    missing = (
        f"\n\nThe model registry did not take its version: {printable(run.unregistered)}" if run.unregistered else ""
    )
    started = f"Run {run.run} (started because: {printable(run.reason)}). Read more: mlops explain {run.run}"
    return f"{printable(run.sentence or 'No reason was given.')}{waits}{missing}\n\n{started}"


def explain_rejected(project: str, rejected: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(subject, message) for a person about files, as (key, reason), that a run could not use."""
    many = len(rejected) > 1
    subject = f"{project}: {len(rejected):,} files were rejected" if many else f"{project}: a file was rejected"
    lines = [printable(f"{key} was not used: {why[:_REASON_CHARACTERS]}") for key, why in rejected[:_SHOWN]]
    if len(rejected) > _SHOWN:
        lines.append(f"And {len(rejected) - _SHOWN:,} more, which mlops held lists.")
    what = "Mend them and drop them again" if many else "Mend it and drop it again"
    return subject, "\n".join([*lines, f"{what}; nothing else is needed."])


def explain_failure(
    *,
    project: str,
    status: str,
    error: str,
    cause: str,
    execution: str,
    run: Run | None,
    gave_up: str | None,
    lost: bool,
    live: bool,
    not_announced: bool,
) -> tuple[str, str]:
    """(subject, message) for a person about an execution that ended FAILED, ABORTED or TIMED_OUT.

    `gave_up`: why it is not tried again, or None; `lost`: the endpoint needs a person; `live`: a model is promoted;
    `not_announced`: the run is concluded, and nobody was told how.
    """
    what = {"ABORTED": "was stopped", "TIMED_OUT": "ran out of time"}.get(status, "failed")
    about = f"run {run.run}" if run else "an execution"
    why = printable(reason(cause) or error or "no reason was given")
    if error == errors.NotAnnounced.__name__ and run:
        what = "could not tell how it ended"
    lines = [f"{about[0].upper()}{about[1:]} of {project} {what}: {why}"]
    if gave_up:
        lines.append(f"It is not tried again by itself ({printable(gave_up)}).")
    before = "The previous model answers as before." if live else "No model was live before: the endpoint was removed."
    if of_the_account(error, cause):
        lines.append(f"{before} {_deployment_quota(cause)}")
    elif _limited(error, cause):
        lines.append(_quota_advice(cause))
    elif error == errors.RolledBack.__name__ and run and run.makes_live:
        lines.append(f"{before} What can be gone back to: mlops rollback --list")
    elif error == errors.RolledBack.__name__:
        lines.append(f"{before} Look at the endpoint's log, then drop more data or run: mlops retrain")
    elif error in _ADVICE:
        lines.append(_ADVICE[error])
    if not_announced and run:
        lines += ["What was decided stands; programs that wait for its event may not have got it.", explain_end(run)]
    if lost:
        lines.append("The endpoint could not be brought back by itself: please look at it.")
    lines.append(f"Execution: {execution}")
    return f"{project}: {about} {what}", "\n".join(lines)


def hopeless(error: str, cause: str) -> str | None:
    """Why a failure leaves no further attempt a chance to succeed, or None if one may."""
    if _limited(error, cause) and _NO_QUOTA.search(cause):
        return "the account's quota is 0"
    # From the machine, the cause of a failed job is its description.
    return "another attempt would end the same" if is_decided(reason(cause)) else None


def of_the_account(error: str, cause: str = "") -> bool:
    """Whether a deployment failed for the account's quota, which says nothing about the model.

    The machine puts the name of what it caught before a cause.
    """
    return errors.AccountLimitReached.__name__ in (error, cause.partition(": ")[0])


def _limited(error: str, cause: str) -> bool:
    return "ResourceLimitExceeded" in error + cause


def _quota_advice(cause: str) -> str:
    return f"Ask for more of {_quota(cause)} under Service Quotas, Amazon SageMaker, then run: mlops retrain"


def _deployment_quota(cause: str) -> str:
    named = _QUOTA.search(cause)
    # Other quotas, such as the number of endpoints, have other codes: the console finds them by name.
    code = f" ({SERVERLESS_CONCURRENCY})" if named and "concurrency" in named[1].lower() else ""
    most = (
        "" if named else f" Most often it is the total concurrency of Serverless endpoints, {SERVERLESS_CONCURRENCY}."
    )
    return (
        f"Ask for more of {_quota(cause)}{code} under Service Quotas, Amazon SageMaker, or lower "
        f"serving.max_concurrency in cdk.json and deploy.{most} The trained model is kept: the next sweep "
        "(operations.sweep_hours) tries again and trains nothing."
    )


def _quota(cause: str) -> str:
    named = _QUOTA.search(cause)
    return f"'{printable(named[1])}'" if named else "the limit that is named above"


def reason(cause: str) -> str:
    """The sentence inside a Step Functions cause: a job's FailureReason, a Lambda's errorMessage, or itself.

    The machine may have put an error's name before it, and cut its end off.
    """
    name, _, rest = cause.partition(": ")
    if rest.startswith("{"):
        return f"{name}: {reason(rest)}"
    found: Any = {}
    with suppress(ValueError):
        found = json.loads(cause)
    if not isinstance(found, dict):
        return cause
    said = found.get("FailureReason") or found.get("errorMessage") or _within(cause)
    return str(said or cause)


def _within(cause: str) -> str | None:
    """The sentence in JSON that ends too early, or None."""
    found = _SENTENCE.search(cause)
    return str(json.loads(found[1])) if found else None
