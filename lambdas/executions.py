"""Executions of the state machine, started at most once each: `domain/layout.py` names them after what they follow."""

from __future__ import annotations

from domain import layout
from domain.messages import Start
from lambdas.environment import Environment
from lambdas.telemetry import logger


def is_running(env: Environment, execution: str) -> bool:
    """Whether an execution is running; one that Step Functions does not know is not."""
    states = env.client("stepfunctions")
    try:
        return bool(states.describe_execution(executionArn=execution)["status"] == "RUNNING")
    except states.exceptions.ExecutionDoesNotExist:
        return False


def start(env: Environment, name: str, message: Start) -> None:
    """Start the execution `name` with `message`, unless one of that name was started before.

    Step Functions takes a name once in 90 days (API reference, StartExecution): whoever is repeated starts no second.
    """
    states = env.client("stepfunctions")
    try:
        states.start_execution(stateMachineArn=env.state_machine_arn, name=name, input=message.to_input())
    except states.exceptions.ExecutionAlreadyExists:
        logger().info("It was started before", extra={"started": name})


def arn(env: Environment, name: str) -> str:
    """ARN of the execution `name`."""
    return layout.execution(env.state_machine_arn, name)


def start_after(env: Environment, execution: str, due: Start, chain: int = 0) -> str:
    """Start the execution that follows `execution` with what is `due`; its ARN.

    `chain` counts executions in a row that failed before they could do anything.
    """
    name = layout.execution_after(execution)
    start(env, name, due.after(chain))
    return arn(env, name)


def successor(env: Environment, execution: str) -> str:
    """ARN of the one execution that takes over what a broken `execution` left."""
    return arn(env, layout.execution_instead_of(execution))


def start_successor(env: Environment, execution: str, chain: int) -> None:
    """Start the successor of a broken `execution`, which converges the endpoint, unless it was started before."""
    start(env, layout.execution_instead_of(execution), Start.redeploy("reconcile").after(chain))
