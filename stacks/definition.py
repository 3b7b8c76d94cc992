"""What the state machine does: from a dropped file to a live model, as one sentence.

Facts travel in variables: $target (candidate or champion), $stage (rehearsal or live), $run, $verdict, $job, $artifact,
$endpoint, $config, $caught (the last error), $failure (why a candidate was rolled back), $untold (nobody was told how
the run ended). Every state's name is a word of the project's vocabulary.
"""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain.config import Settings
from domain.errors import JobStillStopping
from stacks.access import Access
from stacks.convergence import CHAMPION, converge
from stacks.states import CAUGHT, RESULT, Patience, Steps, expression, retrying, when
from stacks.training import NO_CAPACITY, Training


class Definition:
    """The states, made in `scope`; `sentence` is where they start."""

    def __init__(
        self, scope: Construct, *, settings: Settings, steps: Steps, training: Training, access: Access
    ) -> None:
        self._scope, self._settings, self._steps = scope, settings, steps
        self._training, self._access = training, access

    def sentence(self) -> sfn.IChainable:
        """Claim, Settle, Prepare, Screen, Train, Evaluate, Redeploy, Await, Verify, Promote, Announce, Release."""
        release = self._release()
        announce = self._announce(release)
        redeploy = converge(
            self._scope,
            self._steps,
            project=self._settings.project,
            access=self._access,
            promoted=announce,
            restored=release,
        )
        evaluate = self._evaluate(redeploy, announce)
        train = self._train(evaluate)
        screen = self._screen(train, announce)
        prepare = self._prepare(screen, evaluate, announce, release)
        return self._claim(self._settle(prepare), redeploy)

    def _claim(self, settle: sfn.IChainable, redeploy: sfn.IChainable) -> sfn.IChainable:
        claim = self._steps.ask(
            "Claim",
            "claim",
            {"started": "{% $states.input %}"},
            comment="One pipeline at a time: the claim is free, or its owner is not running any more",
            assign={
                # As Claim has read it: an input that is no message ends here, before anything is done.
                **{name: expression(f"{RESULT}.{name}") for name in ("outcome", "reason", "start", "run")},
                "target": "candidate",
                "stage": "rehearsal",
                "verdict": "none",
                "rolled_back": False,
                "untold": False,
                "failure": expression("null"),
                "polls": 0,
                "spot": self._settings.training.spot,
            },
        )
        coalesced = sfn.Succeed.jsonata(self._scope, "Coalesced")
        return claim.next(
            sfn.Choice.jsonata(self._scope, "Claimed")
            .when(when("$outcome = 'coalesced'"), coalesced, outputs={"outcome": "coalesced"})
            .when(
                when("$start = 'Redeploy' and $run != null and $outcome = 'claimed'"),
                redeploy,
                comment="A person approved this run",
                assign={"verdict": "promote"},
            )
            .when(when("$start = 'Redeploy' or $outcome = 'recover'"), redeploy, assign=CHAMPION)
            .otherwise(settle)
        )

    def _settle(self, prepare: sfn.IChainable) -> sfn.IChainable:
        settle = self._steps.ask(
            "Settle",
            "settle",
            {
                "started": "{% $states.context.Execution.StartTime %}",
                "entered": "{% $states.context.State.EnteredTime %}",
            },
            comment="Many files dropped together make one run",
            assign={"wait_seconds": expression(f"{RESULT}.wait_seconds")},
        )
        wait = sfn.Wait.jsonata(self._scope, "WaitForQuiet", time=sfn.WaitTime.seconds(expression("$wait_seconds")))
        quiet = sfn.Choice.jsonata(self._scope, "Quiet")
        return settle.next(quiet.when(when("$wait_seconds > 0"), wait.next(settle)).otherwise(prepare))

    def _prepare(
        self, screen: sfn.IChainable, evaluate: sfn.IChainable, announce: sfn.IChainable, release: sfn.IChainable
    ) -> sfn.IChainable:
        names = {"run": "run", "job": "job", "artifact": "artifact", "verdict": "outcome"}
        prepare = self._steps.ask(
            "Prepare",
            "prepare",
            {"reason": "{% $reason %}"},
            comment="What is new or changed: validate, quarantine, split, version",
            assign={
                "prepared": expression(RESULT),
                **{variable: expression(f"{RESULT}.{field}") for variable, field in names.items()},
            },
            patience=(Patience(JobStillStopping, seconds=15, times=40),),
        )
        return prepare.next(
            sfn.Choice.jsonata(self._scope, "Prepared")
            .when(when("$verdict = 'train'"), screen)
            .when(when("$verdict = 'evaluate'"), evaluate, comment="A finished job of this very run is used again")
            .when(when("$verdict = 'refused'"), announce, comment="Too little data, said before money is spent")
            .otherwise(release)
        )

    def _screen(self, train: sfn.IChainable, announce: sfn.IChainable) -> sfn.IChainable:
        screen = self._steps.ask(
            "Screen",
            "screen",
            {"run": "{% $run %}"},
            comment="The live model reads a sample of each new file: nonsense is held before money is spent",
            assign={"screened": expression(f"{RESULT}.outcome")},
        )
        screened = sfn.Choice.jsonata(self._scope, "Screened")
        held = when("$screened = 'held'")
        return screen.next(screened.when(held, announce, assign={"verdict": "screened"}).otherwise(train))

    def _train(self, evaluate: sfn.IChainable) -> sfn.IChainable:
        train = sfn.CustomState(self._scope, "Train", state_json=self._training.state())
        ended = "'Training job ' & $job & ' ended ' & $trained.status & ': ' & $trained.why"
        failed = sfn.Fail.jsonata(
            self._scope, "TrainingNotCompleted", error="TrainingNotCompleted", cause=expression(ended)
        )
        trained = sfn.Choice.jsonata(self._scope, "Trained").when(when("$trained.status = 'Completed'"), evaluate)
        if self._training.on_demand_allowed:
            self._on_demand(train, trained)
        return train.next(trained.otherwise(failed))

    def _on_demand(self, train: sfn.CustomState, trained: sfn.Choice) -> None:
        """No Spot capacity: once more on demand, from the same checkpoints, since the price is under the cap."""
        again = sfn.Pass.jsonata(self._scope, "TrainOnDemand", assign={"spot": False}, outputs={})
        again.next(train)
        trained.when(when(_no_capacity("$trained.why")), again)
        failed = sfn.Fail.jsonata(
            self._scope, "TrainingFailed", error=expression("$caught.error"), cause=expression("$caught.cause")
        )
        lacking = sfn.Choice.jsonata(self._scope, "CapacityLacking")
        lacking.when(when(_no_capacity("$caught.cause")), again).otherwise(failed)
        # The whole cause: it is the job's description, and what is looked for stands near its end.
        fields = {"error": expression("$states.errorOutput.Error"), "cause": expression("$states.errorOutput.Cause")}
        train.add_catch(lacking, errors=["States.TaskFailed"], assign={"caught": fields}, outputs={})

    def _evaluate(self, redeploy: sfn.IChainable, announce: sfn.IChainable) -> sfn.IChainable:
        evaluate = self._steps.ask(
            "Evaluate",
            "evaluate",
            {"run": "{% $run %}", "job": "{% $job %}", "artifact": "{% $artifact %}"},
            comment="Candidate and champion on the same held-out rows, the gate, the receipt",
            assign={"verdict": expression(f"{RESULT}.verdict")},
        )
        reject = self._steps.ask(
            "Reject", "reject", {"run": "{% $run %}"}, comment="The champion stays; data that did harm is held"
        )
        judged = sfn.Choice.jsonata(self._scope, "Judged")
        judged.when(when("$verdict = 'promote'"), redeploy)
        judged.when(when("$verdict = 'awaiting-approval'"), announce, comment="A person has the last word")
        return evaluate.next(judged.otherwise(reject.next(announce)))

    def _announce(self, release: sfn.IChainable) -> sfn.IChainable:
        announce = self._steps.ask(
            "Announce",
            "announce",
            {"run": "{% $run %}"},
            comment="The event and the notification",
        )
        again = retrying(seconds=5, times=3)
        announce.add_retry(errors=["States.TaskFailed"], **again)
        # What was decided stands, told or not; the execution ends badly, so that Reconcile tells it.
        announce.add_catch(release, errors=["States.ALL"], assign={**CAUGHT, "untold": True}, outputs={})
        return announce.next(release)

    def _release(self) -> sfn.IChainable:
        release = self._steps.ask(
            "Release",
            "release",
            {"run": "{% $run %}", "failed": "{% $failure %}", "reason": "{% $reason %}"},
            comment="Give the claim back, then look again: what came meanwhile starts one execution",
            outputs={
                "outcome": "done",
                "run": "{% $run %}",
                "verdict": "{% $verdict %}",
                "started": expression(f"{RESULT}.started"),
            },
        )
        rolled_back, untold = (
            sfn.Fail.jsonata(self._scope, error, error=error, cause=expression(f"${why}.error & ': ' & ${why}.cause"))
            for error, why in (("RolledBack", "failure"), ("Untold", "caught"))
        )
        nothing_new = sfn.Succeed.jsonata(self._scope, "NothingNew")
        return release.next(
            sfn.Choice.jsonata(self._scope, "Released")
            .when(when("$rolled_back"), rolled_back)
            .when(when("$untold"), untold)
            .when(when("$verdict = 'nothing_new'"), nothing_new, outputs={"outcome": "nothing_new"})
            .otherwise(sfn.Succeed.jsonata(self._scope, "Done"))
        )


def _no_capacity(said: str) -> str:
    """JSONata: whether a Spot job ended with one of the ways in which SageMaker says that it has no instance."""
    named = " or ".join(f"$contains({said}, '{word}')" for word in NO_CAPACITY)
    return f"$spot and ({named})"
