"""What the machine does, state by state in the order of a run: what each step is asked, and what is kept of its answer.

What leads to what is in `definition.py` and `convergence.py`; what a step's function may do in `steps.py`.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain import layout
from domain.errors import AccountLimitReached, EndpointBusy, JobStillStopping
from domain.settings import Settings
from stacks.access import Access
from stacks.functions import Functions
from stacks.state_machine.states import RESULT, Patience, StepStates, describe_endpoint, retrying
from stacks.state_machine.variables import NULL, Variables, expression
from stacks.training import Training

# Each look at the endpoint counts, whatever comes of it.
COUNTED: Final[Variables] = {"polls": expression("$polls + 1")}
_RUN: Final = {"run": "{% $run %}"}
_TARGET: Final = {"target": "{% $target %}", "stage": "{% $stage %}", **_RUN}


class Tasks:
    """The states that do something, made in `scope` and not linked yet."""

    def __init__(
        self, scope: Construct, *, settings: Settings, functions: Functions, training: Training, access: Access
    ) -> None:
        ask = StepStates(scope, functions).ask
        self.claim = ask(
            "Claim",
            "claim",
            {"started": "{% $states.input %}"},
            comment="One pipeline at a time: the claim is free, or its owner is not running any more",
            assign={
                # As Claim has read it: an input that is no message ends here, before anything is done.
                "outcome": expression(f"{RESULT}.outcome"),
                "reason": expression(f"{RESULT}.reason"),
                "start": expression(f"{RESULT}.start"),
                "run": expression(f"{RESULT}.run"),
                "target": "candidate",
                "stage": "rehearsal",
                "verdict": "none",
                "rolled_back": False,
                "not_announced": False,
                "failure": NULL,
                "polls": 0,
                "spot": settings.training.spot,
            },
        )
        self.settle = ask(
            "Settle",
            "settle",
            {
                "started": "{% $states.context.Execution.StartTime %}",
                "entered": "{% $states.context.State.EnteredTime %}",
            },
            comment="Many files dropped together make one run",
            assign={"wait_seconds": expression(f"{RESULT}.wait_seconds")},
        )
        self.prepare = ask(
            "Prepare",
            "prepare",
            {"reason": "{% $reason %}"},
            comment="What is new or changed: validate, quarantine, split, version",
            assign={
                "prepared": expression(RESULT),
                "run": expression(f"{RESULT}.run"),
                "job": expression(f"{RESULT}.job"),
                "artifact": expression(f"{RESULT}.artifact"),
                "verdict": expression(f"{RESULT}.outcome"),
            },
            patience=(Patience(JobStillStopping, seconds=15, times=40),),
        )
        self.screen = ask(
            "Screen",
            "screen",
            _RUN,
            comment="The live model reads a sample of each new file: nonsense is held before money is spent",
            assign={"screened": expression(f"{RESULT}.outcome")},
        )
        self.train = sfn.CustomState(scope, "Train", state_json=training.state())
        self.evaluate = ask(
            "Evaluate",
            "evaluate",
            {**_RUN, "job": "{% $job %}", "artifact": "{% $artifact %}"},
            comment="Candidate and champion on the same held-out rows, the gate, the receipt",
            assign={"verdict": expression(f"{RESULT}.verdict")},
        )
        self.reject = ask("Reject", "reject", _RUN, comment="The champion stays; data that did harm is held")
        self.redeploy = ask(
            "Redeploy",
            "redeploy",
            _TARGET,
            comment="A new model and config; the endpoint is created or updated",
            assign={
                "endpoint": expression(f"{RESULT}.endpoint"),
                "config": expression(f"{RESULT}.config"),
                "polls": 0,
            },
            patience=(
                Patience(EndpointBusy, seconds=10, times=120),
                # A quota that another deployment takes up for its minutes; one that stays so is for a person.
                Patience(AccountLimitReached, seconds=60, times=30),
            ),
        )
        self.adopt = ask(
            "Adopt", "adopt", {}, comment="A champion of an earlier release is sealed, once and as it stands"
        )
        self.look_at_endpoint = describe_endpoint(
            scope,
            "LookAtEndpoint",
            endpoint=expression("$endpoint"),
            arns=[
                access.sagemaker_arn("endpoint", name)
                for name in (layout.endpoint(settings.project), layout.rehearsal(settings.project))
            ],
            comment="Its status; that there is no endpoint is an answer as well",
            assign={"status": expression("$states.result.EndpointStatus"), **COUNTED},
        )
        self.verify = ask(
            "Verify",
            "verify",
            {"stage": "{% $stage %}", "config": "{% $config %}"},
            comment="Which config is live, and do the golden rows get the answers that Evaluate saw",
        )
        self.promote = ask(
            "Promote",
            "promote",
            _RUN,
            comment="The champion pointer moves; from here on nothing is rolled back",
        )
        self.announce = ask(
            "Announce",
            "announce",
            _RUN,
            comment="The event and the notification",
        )
        self.announce.add_retry(errors=["States.TaskFailed"], **retrying(seconds=5, times=3))
        self.release = ask(
            "Release",
            "release",
            {**_RUN, "failed": "{% $failure %}", "reason": "{% $reason %}"},
            comment="Give the claim back, then look again: what came meanwhile starts one execution",
            outputs={
                "outcome": "done",
                "run": "{% $run %}",
                "verdict": "{% $verdict %}",
                "started": expression(f"{RESULT}.started"),
            },
        )
