"""A person's order that a model goes live which is there already: what `mlops rollback` and `mlops promote` share.

The order is in the ledger before anything is started, so it is never lost. The pipeline carries it out like any other
promotion, in rehearsal first; `lambdas/model/orders.py` says what it refuses.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from domain import layout
from domain.data.dataset import Hold
from domain.messages import Start
from domain.state import Champion, Order, OrderKind
from ops.deployment import Deployment
from ops.errors import NotDeployed
from ops.execution import running


def new_id() -> str:
    """An order's id, which is that of the run which carries it out."""
    return secrets.token_hex(6)


def give(
    deployment: Deployment,
    kind: OrderKind,
    model: str,
    reason: str,
    console: Console,
    *,
    champion: Champion | None,
    order: str,
    holds: Sequence[Hold] = (),
) -> str:
    """Order that the model of a run takes the place of the champion, and of no other; the execution's ARN.

    A run in progress finds the order when it ends. What is ordered already is not ordered twice. Raises NotDeployed.
    """
    beside = champion.version if champion else 0
    for known in deployment.ledger.orders.open():
        if (known.kind, known.model, known.beside) == (kind, model, beside):
            console.print(f"Ordered already by {known.by} at {known.at}. Follow it: mlops watch")
            return deployment.execution_arn(layout.execution_for_order(known.order))
    by = str(deployment.client("sts").get_caller_identity()["Arn"])
    # A byte of a shell's argument that is not UTF-8 has no place in the ledger.
    reason = reason.encode("utf-8", "replace").decode("utf-8")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    holder = running(deployment)
    deployment.ledger.orders.give(Order(order, kind, model, beside, by, reason, at, tuple(holds)))
    execution = _start(deployment, kind, order)
    if holder:
        console.print(f"This follows when what is at work has ended: {holder}")
        console.print(f"To have it at once, stop that: aws stepfunctions stop-execution --execution-arn {holder}")
    console.print(f"It is rehearsed and verified, then live. Follow it: mlops watch {execution.rsplit(':', 1)[1]}")
    return execution


def _start(deployment: Deployment, kind: OrderKind, order: str) -> str:
    states, name = deployment.client("stepfunctions"), layout.execution_for_order(order)
    message = Start.redeploy(kind, order).to_input()
    try:
        answer = states.start_execution(stateMachineArn=deployment.state_machine, name=name, input=message)
    except states.exceptions.StateMachineDoesNotExist as error:
        raise NotDeployed(
            f"The data and ledger of {deployment.project!r} are here, but its stack is not: make deploy. "
            "Your order is kept and carried out then."
        ) from error
    return str(answer["executionArn"])
