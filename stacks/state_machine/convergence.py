"""The part of the machine that makes a model live: Redeploy, Await, Verify, Promote, and RollBack.

A candidate goes through Redeploy, Await and Verify twice: in rehearsal, on an endpoint that nobody else asks, and then
live. RollBack is the same convergence once more, on the champion; so are recovery and a change of serving settings.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain.errors import ConvergenceFailed, EndpointNotReady, NotSealed
from stacks.state_machine.states import CAUGHT, fail, when
from stacks.state_machine.tasks import COUNTED, Tasks
from stacks.state_machine.variables import Error, Variables, expression

# What is to be live, and not rehearsed: it was verified when it was a candidate.
CHAMPION: Final[Variables] = {"target": "champion", "stage": "live"}
# Await asks after 2, 3, 5, 7, 11, 16, 23 and then every 30 s: half an hour in all.
_MOST_POLLS: Final = 65
_POLL_SECONDS: Final = expression("$min([30, $ceil(2 * $power(1.5, $polls))])")


def link_convergence(scope: Construct, tasks: Tasks) -> None:
    """From Redeploy of $target: a candidate that serves goes on to Promote and Announce, a champion to Release.

    Any failure before the champion has moved leads to RollBack.
    """
    wait = sfn.Wait.jsonata(scope, "Await", time=sfn.WaitTime.seconds(_POLL_SECONDS))
    at_rest = sfn.Choice.jsonata(scope, "Converged")
    roll_back = sfn.Choice.jsonata(scope, "RollBack", comment="The same convergence, on the champion")

    tasks.redeploy.next(wait)
    # No failure: a champion of an earlier release makes a detour, once.
    tasks.redeploy.add_catch(tasks.adopt, errors=[NotSealed.__name__], outputs={})
    tasks.adopt.next(tasks.redeploy)

    # Until the endpoint has come to rest; whether it rests on the right config is Verify's question.
    wait.next(tasks.look_at_endpoint)
    gone = expression("$contains($string($states.errorOutput.Cause), 'ould not find') ? 'Gone' : 'Unknown'")
    asked = Variables(status=gone, **COUNTED)
    tasks.look_at_endpoint.add_catch(at_rest, errors=["States.TaskFailed"], assign=asked, outputs={})
    tasks.look_at_endpoint.next(at_rest)
    # An endpoint just created may not be found for a moment.
    rests = "$status in ['InService', 'Failed'] or ($status = 'Gone' and ($config = null or $polls > 5))"
    still = Error(error=EndpointNotReady.__name__, cause=expression("'The endpoint is still ' & $status"))
    at_rest.when(when(rests), tasks.verify)
    at_rest.when(when(f"$polls >= {_MOST_POLLS}"), roll_back, assign=Variables(caught=still))
    at_rest.otherwise(wait)

    rehearsed = "$target = 'candidate' and $stage = 'rehearsal'"
    tasks.verify.next(
        sfn.Choice.jsonata(scope, "Verified")
        .when(when(rehearsed), tasks.redeploy, comment="Rehearsed: now live", assign=Variables(stage="live"))
        .when(when("$target = 'candidate'"), tasks.promote)
        .otherwise(tasks.release)
    )
    tasks.promote.next(tasks.announce)

    for task in (tasks.redeploy, tasks.adopt, tasks.verify, tasks.promote):
        task.add_catch(roll_back, errors=["States.ALL"], assign=CAUGHT, outputs={})
    # From a candidate to the champion, once; a champion that cannot be served is for Reconcile and a person.
    champion = Variables(**CHAMPION, failure=expression("$caught"), rolled_back=True)
    failed = fail(scope, ConvergenceFailed, "$caught.error & ': ' & $caught.cause")
    roll_back.when(when("$target = 'candidate'"), tasks.redeploy, assign=champion).otherwise(failed)
