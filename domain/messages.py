"""What functions are told: by the machine's states, EventBridge and CloudFormation. One model per message.

A message of another shape is refused by one error, which names the message and its fields that are wrong.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from domain.errors import WrongEvent

# A run, or none. Executions that an earlier release started, or a person by hand, say "" for none.
OptionalRun = Annotated[str | None, BeforeValidator(lambda run: None if run == "" else run)]


class Message(BaseModel):
    """What all messages have in common."""

    # Lambda payloads may carry context the step does not need; what it does need is checked, and not quoted.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def read(cls, event: object) -> Self:
        """The message that a Lambda event is. Raises WrongEvent."""
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            wrong = "; ".join(_place(item["loc"]) + item["msg"] for item in error.errors(include_url=False))
            raise WrongEvent(f"this is no {cls.__name__}: {wrong}") from error

    def to_payload(self) -> dict[str, object]:
        """JSON-ready form, as a Lambda returns it."""
        return self.model_dump(mode="json")


class Start(Message):
    """The machine's input: why it is started, where it begins (`from`), and with which run.

    From `Settle` it looks at landing. From `Redeploy` it deploys `run`, which a person approved or ordered, or without
    one brings the endpoint to whatever is promoted. `chain` counts executions in a row that could not do anything.
    Started with {} it looks at what is there. A word that is not one of these is refused, and so is what contradicts
    itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = "unknown"
    start: Literal["Settle", "Redeploy"] = Field("Settle", alias="from")
    run: OptionalRun = Field(None, pattern="^[0-9a-f]{12}$")
    chain: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _is_of_one_mind(self) -> Self:
        if self.run and self.start != "Redeploy":
            raise ValueError("a run is deployed from Redeploy: from Settle the run follows from what landed")
        return self

    @classmethod
    def settle(cls, reason: str) -> Self:
        """Look at landing."""
        return cls.model_validate({"reason": reason, "from": "Settle"})

    @classmethod
    def redeploy(cls, reason: str, run: str | None = None) -> Self:
        """Deploy a run that a person approved or ordered, or bring the endpoint to what is promoted."""
        return cls.model_validate({"reason": reason, "from": "Redeploy", **({"run": run} if run else {})})

    def after(self, chain: int) -> Self:
        """The same as the last of so many executions in a row."""
        return self.model_copy(update={"chain": chain})

    def to_input(self) -> str:
        """As Step Functions takes it: JSON, without what is not said."""
        return self.model_dump_json(by_alias=True, exclude_unset=True)

    def to_object(self) -> dict[str, object]:
        """The same, as what it is JSON of."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Step(Message):
    """What every step is told: the execution it works for."""

    execution: str


class ClaimStep(Step):
    """Claim is told all that the execution was started with."""

    started: Start


class PrepareStep(Step):
    """Prepare is told why the execution was started."""

    reason: str = "unknown"


class SettleStep(Step):
    """ISO 8601, by the machine's clock: `started` is when the execution was, and bounds the wait; `entered` is now."""

    started: str
    entered: str


class EvaluateStep(Step):
    """The run, and the training job whose artifact (an S3 URI) is to be judged."""

    run: str
    job: str
    artifact: str


class RunStep(Step):
    """A step about one run."""

    run: str


class DeployStep(Step):
    """Redeploy and Verify: `candidate` deploys `run`, `champion` converges on whatever is promoted.

    In a `rehearsal` the candidate answers on an endpoint of its own, which nobody else asks.
    """

    target: Literal["candidate", "champion"]
    stage: Literal["rehearsal", "live"] = "live"
    run: OptionalRun = None


class VerifyStep(Step):
    """`config`: what the endpoint of this `stage` must serve, or None where no endpoint should be."""

    stage: Literal["rehearsal", "live"] = "live"
    config: str | None = None


class Failure(Message):
    """Why a candidate was rolled back, as the state machine caught it."""

    error: str
    cause: str = ""


class ReleaseStep(Step):
    """`failed` is set when the run was rolled back, and says why; `reason` is why the execution was started."""

    run: OptionalRun = None
    failed: Failure | None = None
    reason: str = "unknown"


class _ExecutionDetail(Message):
    execution: str = Field(alias="executionArn")


class ExecutionBroken(Message):
    """EventBridge's "Step Functions Execution Status Change", for Reconcile."""

    detail: _ExecutionDetail


class _JobDetail(Message):
    job: str = Field(alias="TrainingJobName")


class TrainingChanged(Message):
    """EventBridge's "SageMaker Training Job State Change", for Observe."""

    detail: _JobDetail


class _PackageDetail(Message):
    package: str = Field(alias="ModelPackageArn")


class PackageChanged(Message):
    """EventBridge's "SageMaker Model Package State Change", for Approve."""

    detail: _PackageDetail


class DeployRequest(Message):
    """CloudFormation's request about the endpoint's custom resource, as it comes first."""

    kind: Literal["Create", "Update", "Delete"] = Field(alias="RequestType")


class _Asked(Message):
    at: AwareDatetime = Field(alias="Asked")


class ConvergenceRequest(DeployRequest):
    """The same request asked about again, with what was answered to it at first."""

    request: str = Field(alias="RequestId")
    asked: _Asked = Field(alias="Data")


class Claimed(Message):
    """Claim's answer. `recover`: taken over from a dead owner, so the endpoint must be converged first.

    The rest is the machine's input, checked, with every word in its place.
    """

    outcome: Literal["claimed", "recover", "coalesced"]
    reason: str = "unknown"
    start: Literal["Settle", "Redeploy"] = "Settle"
    run: str | None = None


class Settled(Message):
    """Settle's answer: seconds until landing has been quiet for long enough; 0 is now."""

    wait_seconds: int


class Prepared(Message):
    """Prepare's answer. What is not there is None: without news there is no run, and where it is refused no job.

    URIs are S3. `artifact` is where a finished job of this run left its model, which can be judged at once.
    """

    outcome: Literal["train", "evaluate", "refused", "nothing_new"]
    run: str | None = None
    job: str | None = None
    hyperparameters: dict[str, str] = {}
    train_manifest: str | None = None
    validation_manifest: str | None = None
    dataset_manifest: str | None = None
    checkpoints: str | None = None
    output: str | None = None
    artifact: str | None = None


class Screened(Message):
    """Screen's answer: `held` if the run ends because a file was held."""

    outcome: Literal["passed", "held"]


class Evaluated(Message):
    """Evaluate's answer."""

    verdict: Literal["promote", "keep", "reject", "awaiting-approval"]


class Redeployed(Message):
    """Redeploy's answer: the endpoint, and the config that it is to serve (None: it is to go)."""

    endpoint: str
    config: str | None


class Released(Message):
    """Release's answer: the execution it started for what is pending, if any."""

    started: str | None


def _place(location: tuple[int | str, ...]) -> str:
    """Where in an event, as in "detail.executionArn: "; "" for all of it."""
    return ".".join(map(str, location)) + ": " if location else ""
