"""Rows of the matrix in which a person orders that a model goes live: a former one, or one that was kept out."""

from __future__ import annotations

from typing import Any, Literal

from tests.faults.case import Case
from tests.faults.rules import machine, on, slug

# What carrying an order out changes in the world, in the order in which it does so.
_EFFECTS = (
    ("redeploy", "dynamodb:TransactWriteItems", '"run"'),
    ("redeploy", "sagemaker:UpdateEndpoint", ""),
    ("promote", "dynamodb:TransactWriteItems", ""),
    ("promote", "dynamodb:PutItem", '"dataset"'),
    ("promote", "dynamodb:DeleteItem", '"order"'),
    ("announce", "sns:Publish", ""),
    ("release", "dynamodb:DeleteItem", '"claim"'),
)
# A call that each state makes, held up so that the state is still at it when it is aborted.
_HELD_UP = (
    ("Claim", "claim", "dynamodb:PutItem"),
    ("Redeploy", "redeploy", "sagemaker:UpdateEndpoint"),
    ("Verify", "verify", "sagemaker:InvokeEndpoint"),
    ("Promote", "promote", "dynamodb:TransactWriteItems"),
)
_QUOTA: dict[str, Any] = {
    "do": "error", "code": "ResourceLimitExceeded", "times": 0,
    "message": "The account-level service limit 'Maximum total concurrency that can be allocated across all "
    "serverless endpoints' is 10, with current utilization of 8 and a request delta of 4.",
}  # fmt: skip


def ordered() -> list[Case]:
    """A rollback whose function is killed, which is stopped, which finds the former model broken; and a promote."""
    back: dict[str, Any] = {"order": "rollback", "verdict": "restored"}
    failed: dict[str, Any] = {"order": "rollback", "verdict": "gave-up", "failures": 1}
    forgotten = {"operation": "sagemaker:UpdateEndpoint", "caller": "redeploy", "do": "answer"}
    return [
        Case("rollback", "nothing", **back),
        Case("promote", "nothing", order="promote"),
        *_killed("rollback", "restored"),
        *_killed("promote", "promote"),
        *(
            Case(
                f"rollback-aborted-in-{state.lower()}",
                f"a person stops a rollback in {state}; its {operation} comes through 2 s later",
                on(caller, operation, "", do="hold", seconds=2),
                act="abort", failures=1, words="was stopped", quick=state == "Promote", **back,
            )
            for state, caller, operation in _HELD_UP
        ),
        Case(
            "rollback-container-exit", "the former model's container exits at once",
            serve="exit", words="ping", **failed,
        ),
        Case(
            "rollback-container-wrong", "the former model's container gives each text the other label",
            serve="wrong", words="(?s)golden rows differ.*mlops rollback --list", **failed,
        ),
        Case(
            "rollback-update-forgotten", "an update is accepted, and the old config stays live without a reason",
            ({**forgotten, "body": '{"EndpointArn": "arn:aws:sagemaker:…:endpoint/x"}'},),
            words="is live instead of", **failed,
        ),
        Case(
            "rollback-update-stuck", "the endpoint is Updating for longer than Await waits",
            ({**machine("sagemaker:DescribeEndpoint"), "do": "answer", "times": 66,
              "body": '{"EndpointStatus": "Updating"}'},),
            words="still Updating", **failed,
        ),
        Case(
            "rollback-quota-stays", "UpdateEndpoint is refused until the sweep: the account's concurrency is used up",
            on("redeploy", "sagemaker:UpdateEndpoint", "", **_QUOTA),
            failures=1, words="(?s)L-96300102.*the next sweep", **back,
        ),
    ]  # fmt: skip


def _killed(order: Literal["rollback", "promote"], verdict: str) -> list[Case]:
    """Killed before and after each side effect; where it is the same code for both, once."""
    effects = _EFFECTS if order == "rollback" else [effect for effect in _EFFECTS if effect[0] == "promote"]
    return [
        Case(
            slug(order, "killed", when, step, operation.split(":")[1], match),
            f"a {order}: {step} is killed {when} {operation}{f' of {match}' if match else ''}",
            on(step, operation, match, do=f"kill-{when}"),
            order=order, verdict=verdict, told_twice=when == "after" and operation == "sns:Publish",
        )
        for step, operation, match in effects
        for when in ("before", "after")
    ]  # fmt: skip
