"""Which state leads to which, from a dropped file to a live model: this file reads as the flow goes.

What each step is asked is in `tasks.py`, and what travels from one to another, the variables, in `variables.py`. Every
state's name is a word of the project's vocabulary.
"""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain.errors import NotAnnounced, RolledBack, TrainingNotCompleted
from stacks.state_machine.convergence import CHAMPION, link_convergence
from stacks.state_machine.states import CAUGHT, fail, when
from stacks.state_machine.tasks import Tasks
from stacks.state_machine.variables import Error, Variables, expression
from stacks.training import NO_CAPACITY


def link(scope: Construct, tasks: Tasks, *, on_demand_allowed: bool) -> sfn.IChainable:
    """Link all states from Claim, which is returned, to Release; `on_demand_allowed` after a lack of Spot capacity."""

    def choice(name: str) -> sfn.Choice:
        return sfn.Choice.jsonata(scope, name)

    def ends(name: str) -> sfn.Succeed:
        return sfn.Succeed.jsonata(scope, name)

    asked = "$start = 'Redeploy' and $run != null and $outcome = 'claimed'"
    tasks.claim.next(
        choice("Claimed")
        .when(when("$outcome = 'coalesced'"), ends("Coalesced"), outputs={"outcome": "coalesced"})
        .when(when(asked), tasks.redeploy, comment="A person asked for it", assign=Variables(verdict="promote"))
        .when(when("$start = 'Redeploy' or $outcome = 'recover'"), tasks.redeploy, assign=CHAMPION)
        .otherwise(tasks.settle)
    )

    wait = sfn.Wait.jsonata(scope, "WaitForQuiet", time=sfn.WaitTime.seconds(expression("$wait_seconds")))
    tasks.settle.next(choice("Quiet").when(when("$wait_seconds > 0"), wait).otherwise(tasks.prepare))
    wait.next(tasks.settle)

    tasks.prepare.next(
        choice("Prepared")
        .when(when("$verdict = 'train'"), tasks.screen)
        .when(when("$verdict = 'evaluate'"), tasks.evaluate, comment="A finished job of this very run is used again")
        .when(when("$verdict = 'refused'"), tasks.announce, comment="Too little data, said before money is spent")
        .otherwise(tasks.release)
    )

    tasks.screen.next(
        choice("Screened")
        .when(when("$screened = 'held'"), tasks.announce, assign=Variables(verdict="screened"))
        .otherwise(tasks.train)
    )

    trained = choice("Trained").when(when("$trained.status = 'Completed'"), tasks.evaluate)
    if on_demand_allowed:
        _link_on_demand(scope, tasks, trained)
    ended = "'Training job ' & $job & ' ended ' & $trained.status & ': ' & $trained.why"
    tasks.train.next(trained.otherwise(fail(scope, TrainingNotCompleted, ended)))

    tasks.evaluate.next(
        choice("Judged")
        .when(when("$verdict = 'promote'"), tasks.redeploy)
        .when(when("$verdict = 'awaiting-approval'"), tasks.announce, comment="A person has the last word")
        .otherwise(tasks.reject)
    )
    tasks.reject.next(tasks.announce)

    # Redeploy, Await, Verify, Promote; then Announce, or Release.
    link_convergence(scope, tasks)

    tasks.announce.next(tasks.release)
    # What was decided stands, told or not; the execution ends badly, so that Reconcile tells it.
    unheard = Variables(**CAUGHT, not_announced=True)
    tasks.announce.add_catch(tasks.release, errors=["States.ALL"], assign=unheard, outputs={})

    tasks.release.next(
        choice("Released")
        .when(when("$rolled_back"), fail(scope, RolledBack, "$failure.error & ': ' & $failure.cause"))
        .when(when("$not_announced"), fail(scope, NotAnnounced, "$caught.error & ': ' & $caught.cause"))
        .when(when("$verdict = 'nothing_new'"), ends("NothingNew"), outputs={"outcome": "nothing_new"})
        .otherwise(ends("Done"))
    )
    return tasks.claim


def _link_on_demand(scope: Construct, tasks: Tasks, trained: sfn.Choice) -> None:
    """No Spot capacity: once more on demand, from the same checkpoints, since the price is under the cap."""
    again = sfn.Pass.jsonata(scope, "TrainOnDemand", assign=Variables(spot=False), outputs={})
    again.next(tasks.train)
    trained.when(when(_no_capacity("$trained.why")), again)

    # The whole cause: it is the job's description, and what is looked for stands near its end.
    whole = Error(error=expression("$states.errorOutput.Error"), cause=expression("$states.errorOutput.Cause"))
    lacking = sfn.Choice.jsonata(scope, "CapacityLacking")
    tasks.train.add_catch(lacking, errors=["States.TaskFailed"], assign=Variables(caught=whole), outputs={})
    # It ends with the error that the job ended with.
    failed = sfn.Fail.jsonata(
        scope, "TrainingFailed", error=expression("$caught.error"), cause=expression("$caught.cause")
    )
    lacking.when(when(_no_capacity("$caught.cause")), again).otherwise(failed)


def _no_capacity(said: str) -> str:
    """JSONata: whether a Spot job ended with one of the ways in which SageMaker says that it has no instance."""
    named = " or ".join(f"$contains({said}, '{word}')" for word in NO_CAPACITY)
    return f"$spot and ({named})"
