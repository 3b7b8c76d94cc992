"""What the states of the machine say to each other: one model per message, refused if it is of another shape."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Message(BaseModel):
    # Lambda payloads may carry context the step does not need; what it does need is checked.
    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_payload(self) -> dict[str, object]:
        """JSON-ready form, as a Lambda returns it."""
        return self.model_dump(mode="json")


class Step(_Message):
    """What every step is told: the execution it works for."""

    execution: str


class ClaimStep(Step):
    """Claim and Prepare are told why the execution was started."""

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
    run: str = ""


class VerifyStep(DeployStep):
    """`config`: the endpoint config that must be live, or None where no endpoint should be."""

    config: str | None = None


class AnnounceStep(RunStep):
    """What to tell: the run and its verdict."""

    verdict: str


class Failure(_Message):
    """Why a candidate was rolled back, as the state machine caught it."""

    error: str
    cause: str = ""


class ReleaseStep(Step):
    """`failed` is set when the run was rolled back: its dataset is given up, with this reason."""

    run: str = ""
    failed: Failure | None = None


class Claimed(_Message):
    """Claim's answer. `recover`: taken over from a dead owner, so the endpoint must be converged first."""

    outcome: Literal["claimed", "recover", "coalesced"]


class Settled(_Message):
    """Settle's answer: seconds until landing has been quiet for long enough; 0 is now."""

    wait_seconds: int


class Prepared(_Message):
    """Prepare's answer. URIs are S3; `artifact` is set where a finished job of this run can be judged at once."""

    outcome: Literal["train", "evaluate", "refused", "nothing_new"]
    run: str = ""
    dataset: str = ""
    job: str = ""
    hyperparameters: dict[str, str] = {}
    train_manifest: str = ""
    validation_manifest: str = ""
    dataset_manifest: str = ""
    checkpoints: str = ""
    output: str = ""
    artifact: str = ""


class Screened(_Message):
    """Screen's answer: `held` if the run ends because a file was held."""

    outcome: Literal["passed", "held"]


class Evaluated(_Message):
    """Evaluate's answer."""

    verdict: Literal["promote", "keep", "reject", "awaiting-approval"]
    sentence: str


class Redeployed(_Message):
    """Redeploy's answer: the endpoint, the config that it is to serve (None: it is to go), and what was done."""

    endpoint: str
    config: str | None
    outcome: Literal["updating", "unchanged", "removed"]


class Verified(_Message):
    """Verify's answer; anything but agreement is an error."""

    outcome: Literal["ok"] = "ok"


class Released(_Message):
    """Release's answer: the execution it started for what is pending, if any."""

    started: str | None
