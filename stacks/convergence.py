"""The part of the machine that makes a model live: Redeploy, Await, Verify, Promote, and RollBack.

A candidate goes through Redeploy, Await and Verify twice: in rehearsal, on an endpoint that nobody else asks, and then
live. RollBack is the same convergence once more, on the champion; so are recovery and a change of serving settings.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from domain import layout
from domain.errors import AccountLimitReached, ConvergenceFailed, EndpointBusy, NotSealed
from stacks.access import Access
from stacks.states import RESULT, Patience, Steps, describe_endpoint, expression, when

# What is to be live, and not rehearsed: it was verified when it was a candidate.
CHAMPION: Final = {"target": "champion", "stage": "live"}
# Await asks after 2, 3, 5, 7, 11, 16, 23 and then every 30 s: half an hour in all.
_MOST_POLLS: Final = 65
_POLL_SECONDS: Final = expression("$min([30, $ceil(2 * $power(1.5, $polls))])")


def converge(
    scope: Construct,
    steps: Steps,
    *,
    project: str,
    access: Access,
    promoted: sfn.IChainable,
    restored: sfn.IChainable,
) -> sfn.IChainable:
    """Its first state, Redeploy, of $target: a candidate that serves goes on to `promoted`, a champion to `restored`.

    Any failure before the champion has moved leads to RollBack.
    """
    roll_back = sfn.Choice.jsonata(scope, "RollBack", comment="The same convergence, on the champion")
    about = {"target": "{% $target %}", "stage": "{% $stage %}", "run": "{% $run %}"}
    adopt = steps.ask(
        "Adopt",
        "adopt",
        {},
        comment="A champion of an earlier release is sealed, once and as it stands",
        on_failure=roll_back,
    )
    redeploy = steps.ask(
        "Redeploy",
        "redeploy",
        about,
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
        detour=(NotSealed, adopt),
        on_failure=roll_back,
    )
    adopt.next(redeploy)
    verify = steps.ask(
        "Verify",
        "verify",
        {"stage": "{% $stage %}", "config": "{% $config %}"},
        comment="Which config is live, and do the golden rows get the answers that Evaluate saw",
        on_failure=roll_back,
    )
    promote = steps.ask(
        "Promote",
        "promote",
        {"run": "{% $run %}"},
        comment="The champion pointer moves; from here on nothing is rolled back",
        on_failure=roll_back,
    )
    verified = sfn.Choice.jsonata(scope, "Verified")
    rehearsed = when("$target = 'candidate' and $stage = 'rehearsal'")
    verified.when(rehearsed, redeploy, comment="Rehearsed: now live", assign={"stage": "live"})
    verified.when(when("$target = 'candidate'"), promote.next(promoted)).otherwise(restored)
    redeploy.next(_await(scope, project, access, verify.next(verified), roll_back))
    _roll_back(scope, roll_back, redeploy)
    return redeploy


def _await(
    scope: Construct, project: str, access: Access, verify: sfn.IChainable, roll_back: sfn.IChainable
) -> sfn.IChainable:
    """Wait until the endpoint has come to rest; whether it rests on the right config is Verify's question."""
    wait = sfn.Wait.jsonata(scope, "Await", time=sfn.WaitTime.seconds(_POLL_SECONDS))
    endpoints = [layout.endpoint(project), layout.rehearsal(project)]
    polled = {"polls": expression("$polls + 1")}
    look = describe_endpoint(
        scope,
        "LookAtEndpoint",
        endpoint=expression("$endpoint"),
        arns=[access.sagemaker_arn("endpoint", name) for name in endpoints],
        comment="Its status; that there is no endpoint is an answer as well",
        assign={"status": expression("$states.result.EndpointStatus"), **polled},
    )
    rest = sfn.Choice.jsonata(scope, "Converged")
    gone = expression("$contains($string($states.errorOutput.Cause), 'ould not find') ? 'Gone' : 'Unknown'")
    look.add_catch(rest, errors=["States.TaskFailed"], assign={"status": gone, **polled}, outputs={})
    # An endpoint just created may not be found for a moment.
    at_rest = "$status in ['InService', 'Failed'] or ($status = 'Gone' and ($config = null or $polls > 5))"
    too_long = {"error": "EndpointNotReady", "cause": expression("'The endpoint is still ' & $status")}
    rest.when(when(at_rest), verify)
    rest.when(when(f"$polls >= {_MOST_POLLS}"), roll_back, assign={"caught": too_long}).otherwise(wait)
    return wait.next(look).next(rest)


def _roll_back(scope: Construct, roll_back: sfn.Choice, redeploy: sfn.IChainable) -> None:
    """From a candidate to the champion, once; a champion that cannot be served is for Reconcile and a person."""
    champion = {**CHAMPION, "failure": expression("$caught"), "rolled_back": True}
    why = expression("$caught.error & ': ' & $caught.cause")
    failed = sfn.Fail.jsonata(scope, ConvergenceFailed.__name__, error=ConvergenceFailed.__name__, cause=why)
    roll_back.when(when("$target = 'candidate'"), redeploy, assign=champion).otherwise(failed)
