"""Ten rights, each really taken away from its role on the deployed project: what is done with it fails, and says why.

Then it is given back, and the same is done once more: it was the right, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from domain import layout
from ledger import keys
from tests.rights.story import Stage, names, policies
from tests.rights.usage import Statement

OWNER: Final = "removal"
_DENIED: Final = ("not authorized", "AccessDenied", "(403)", "not allowed", "Access denied")


@dataclass(frozen=True)
class Removal:
    """A statement (of the role whose logical id begins with `role`, with `action`) and what is done with it.

    `act` gives the error that came of it, "" for none. `about` tells statements of the same action apart.
    """

    role: str
    action: str
    act: Callable[[Stage], str]
    about: str = ""


@dataclass(frozen=True)
class Missed:
    """What came of a removal: the first words of the error without the right, and whether it was none with it."""

    removal: Removal
    error: str
    well_with_it: bool

    @property
    def holds(self) -> bool:
        """Whether something failed for want of the right, and for nothing else."""
        return is_denial(self.error) and self.well_with_it


def is_denial(error: str) -> bool:
    """Whether an error says that a right is missing."""
    return any(words in error for words in _DENIED)


def removed(stage: Stage, removal: Removal) -> Missed:
    """Take the right away, act, give it back, act again. Raises AssertionError if there is not one such statement."""
    role = next(role for role, logical in names(stage.cloud).items() if logical.startswith(removal.role))
    statements = policies(stage.cloud)[role]
    (gone,) = [one for one in statements if _is_meant(one, removal)]
    iam = stage.cloud.client("iam")
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]

    def put(kept: list[Statement]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": kept})
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)

    put([one for one in statements if one is not gone])
    try:
        error = removal.act(stage)
    finally:
        put(statements)
    return Missed(removal, error, not is_denial(removal.act(stage)))


def _is_meant(statement: Statement, removal: Removal) -> bool:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    return removal.action in actions and removal.about in json.dumps(statement)


# ---- what is done with them ------------------------------------------------------------


def _asked(stage: Stage, step: str, **message: Any) -> str:
    """Ask a function as the machine does, with the claim held for it; the error that it answers, or ""."""
    ledger = stage.pipeline.ledger
    if step != "claim":
        ledger.claim(OWNER, _now())
    try:
        answer = stage.pipeline.client("lambda").invoke(
            FunctionName=layout.function(stage.pipeline.project, step),
            Payload=json.dumps({"execution": OWNER, **message}),
        )
        content = json.loads(answer["Payload"].read())
    finally:
        ledger.release(OWNER)
    return str(content["errorMessage"]) if "FunctionError" in answer else ""


def _claim(stage: Stage) -> str:
    return _asked(stage, "claim", started={"reason": OWNER})


def _settle(stage: Stage) -> str:
    return _asked(stage, "settle", started=_now(), entered=_now())


def _prepare(stage: Stage) -> str:
    return _asked(stage, "prepare")


def _redeploy(stage: Stage) -> str:
    """Make the live model's config anew: nobody needs it while the endpoint serves."""
    sagemaker, endpoint = stage.pipeline.client("sagemaker"), stage.pipeline.endpoint()
    assert endpoint is not None
    config = endpoint["EndpointConfigName"]
    if config in [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]]:
        model = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]
        sagemaker.delete_endpoint_config(EndpointConfigName=config)
        sagemaker.delete_model(ModelName=model)
    return _asked(stage, "redeploy", target="champion")


def _verify(stage: Stage) -> str:
    endpoint = stage.pipeline.endpoint()
    assert endpoint is not None
    return _asked(stage, "verify", target="champion", config=endpoint["EndpointConfigName"])


def _promote(stage: Stage) -> str:
    """A run that is not the champion: with the right it is the ledger that refuses, since it was judged long ago."""
    champion = stage.pipeline.ledger.champion()
    assert champion is not None
    return _asked(stage, "promote", run=champion.before[-1])


def _announce(stage: Stage) -> str:
    """Told once more: what says that it was told is forgotten first."""
    champion = stage.pipeline.ledger.champion()
    assert champion is not None
    marker = {"pk": keys.MARKER, "sk": f"end#{champion.run}#promote"}
    stage.cloud.resource("dynamodb").Table(layout.ledger(stage.pipeline.project)).delete_item(Key=marker)
    return _asked(stage, "announce", run=champion.run, verdict="promote")


def _release(stage: Stage) -> str:
    return _asked(stage, "release")


def _train(stage: Stage) -> str:
    """The newest job once more, as a job of its own; why it failed, or ""."""
    pipeline, sagemaker = stage.pipeline, stage.pipeline.client("sagemaker")
    jobs = sagemaker.list_training_jobs(SortBy="CreationTime", SortOrder="Descending", StatusEquals="Completed")
    name = jobs["TrainingJobSummaries"][0]["TrainingJobName"]
    described = sagemaker.describe_training_job(TrainingJobName=name)
    kept = (
        "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig",
        "StoppingCondition", "CheckpointConfig", "EnableManagedSpotTraining",
    )  # fmt: skip
    again = f"{name}-{datetime.now(UTC):%H%M%S%f}"
    sagemaker.create_training_job(TrainingJobName=again, **{key: described[key] for key in kept if key in described})

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=again)
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return str(pipeline.until("the job's end", ended).get("FailureReason", ""))


def _execute(stage: Stage) -> str:
    """The first failure in the history of an execution, or ""; one that is refused is stopped."""
    pipeline, states = stage.pipeline, stage.pipeline.client("stepfunctions")
    execution = pipeline.start({"reason": "removal", "from": "Redeploy"})

    def look() -> str | None:
        events = states.get_execution_history(executionArn=execution)["events"]
        details = [value for event in events for key, value in event.items() if key.endswith("FailedEventDetails")]
        if details:
            return str(details[0].get("cause"))
        return "" if pipeline.describe(execution)["status"] == "SUCCEEDED" else None

    error = pipeline.until("a failure, or its end", lambda: [said] if (said := look()) is not None else None)[0]
    if error:
        states.stop_execution(executionArn=execution)
    pipeline.rest()
    return error


REMOVALS: Final = (
    Removal("FunctionsClaimRole", "dynamodb:PutItem", _claim),
    Removal("FunctionsSettleRole", "s3:ListBucket", _settle),
    Removal("FunctionsPrepareRole", "dynamodb:Query", _prepare),
    Removal("TrainingRole", "s3:GetObject", _train, about="checkpoints/"),
    Removal("TrainingRole", "s3:PutObject", _train),
    Removal("FunctionsRedeployRole", "iam:PassRole", _redeploy),
    Removal("FunctionsVerifyRole", "sagemaker:InvokeEndpoint", _verify),
    Removal("FunctionsPromoteRole", "dynamodb:PutItem", _promote),
    Removal("FunctionsAnnounceRole", "events:PutEvents", _announce),
    Removal("FunctionsReleaseRole", "dynamodb:DeleteItem", _release),
    Removal("PipelineMachineRole", "lambda:InvokeFunction", _execute),
)


@contextmanager
def undisturbed(stage: Stage) -> Iterator[None]:
    """No event starts or answers anything within it: only what is done here happens."""
    events = stage.cloud.client("events")
    rules = [rule["Name"] for rule in events.list_rules()["Rules"] if rule["State"] == "ENABLED"]
    for rule in rules:
        events.disable_rule(Name=rule)
    yield
    for rule in rules:
        events.enable_rule(Name=rule)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
