"""The variables of the state machine: all that a state can hand to a later one, and the values that each can have.

They are assigned through `Variables`, so mypy refuses a name or a value that is not listed; `tests/stacks` holds that
JSONata reads no other either.
"""

from __future__ import annotations

from typing import Final, Literal, NewType, TypedDict

# A value that is JSONata, evaluated when a state ends: "{% … %}".
Expression = NewType("Expression", str)


def expression(jsonata: str) -> Expression:
    """`jsonata` as the value of a state's field."""
    return Expression(f"{{% {jsonata} %}}")


NULL: Final = expression("null")


class Error(TypedDict):
    """What Step Functions tells of an error: its name, and the text that came with it."""

    error: Expression | str
    cause: Expression


class Ended(TypedDict):
    """How a training job ended, in SageMaker's words: TrainingJobStatus, and SecondaryStatus as the reason."""

    status: Expression
    why: Expression


class Variables(TypedDict, total=False):
    """Every variable, in the order in which a run meets them. Claim assigns all those that are read before their step.

    An Expression stands for a value that is known when the machine runs: mostly a step's answer (`domain/messages.py`).
    """

    # ---- from Claim on -----------------------------------------------------------

    # What Claim found. recover: taken over from an execution that died, so the endpoint must be converged first.
    outcome: Literal["claimed", "recover", "coalesced"] | Expression
    # Why the execution was started, in a word or a person's sentence.
    reason: Expression
    # Where it was told to begin.
    start: Literal["Settle", "Redeploy"] | Expression
    # Id of the run: the approved or ordered one from Claim, or Prepare's; null until it is known.
    run: Expression
    # Which model Redeploy and Verify are about: the run's, or whatever is promoted.
    target: Literal["candidate", "champion"]
    # On which endpoint: one that nobody else asks, or the one that serves.
    stage: Literal["rehearsal", "live"]
    # How the run stands: "none" at first, then what Prepare, Screen or Evaluate made of it.
    verdict: (
        Literal[
            "none", "train", "evaluate", "refused", "nothing_new",
            "screened",
            "promote", "keep", "reject", "awaiting-approval",
        ]
        | Expression
    )  # fmt: skip
    # Whether a candidate failed on its way to the endpoint, and the champion took its place again.
    rolled_back: bool
    # Why it failed; null unless rolled back.
    failure: Expression
    # Whether Announce failed: nobody was told how the run ended.
    not_announced: bool
    # How often Await has looked at the endpoint since Redeploy; an int.
    polls: int | Expression
    # Whether training uses Spot instances: as the settings say, until there is no capacity.
    spot: bool

    # ---- Settle, Prepare, Screen, Train --------------------------------------------

    # Seconds until landing has been quiet for long enough; an int, 0 is now.
    wait_seconds: Expression
    # Prepare's whole answer (`Prepared` in domain/messages.py): what the training job is made from.
    prepared: Expression
    # Name of the training job.
    job: Expression
    # S3 URI of the job's model.tar.gz; null if there is none.
    artifact: Expression
    # Whether the live model found a file that is nonsense.
    screened: Literal["passed", "held"] | Expression
    # How the training job ended.
    trained: Ended

    # ---- Redeploy, Await, Verify, Promote --------------------------------------------

    # Name of the endpoint that Redeploy changed.
    endpoint: Expression
    # Name of the endpoint config that it is to serve; null where no endpoint should be.
    config: Expression
    # SageMaker's EndpointStatus, or Gone (there is none) or Unknown (it could not be asked).
    status: Expression
    # The last error that a state caught.
    caught: Error
