"""What executions cost: state transitions and Lambda invocations, read from their histories."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from bench.control_plane import transitions
from domain.prices import USD_PER_1000_TRANSITIONS
from tests.e2e.driver import Pipeline

INVOCATION_USD = 0.20 / 1_000_000
"""Lambda requests alone, without the time they take (public price list)."""


@dataclass
class Costs:
    """Executions by how they ended, and what they took."""

    outcomes: dict[str, int] = field(default_factory=dict)
    transitions: int = 0
    invocations: int = 0
    most_coalesced: int = 0
    """Transitions of the coalesced execution that took most."""

    @property
    def dollars(self) -> float:
        """List price of the transitions and the requests."""
        return self.transitions * USD_PER_1000_TRANSITIONS / 1000 + self.invocations * INVOCATION_USD


def of(pipeline: Pipeline, arns: list[str]) -> Costs:
    """What these executions, all of them ended, took."""
    costs = Costs()
    states = pipeline.client("stepfunctions")
    for arn in arns:
        described = pipeline.describe(arn)
        output = json.loads(described.get("output") or "{}")
        outcome = str(output.get("outcome", described["status"]))
        costs.outcomes[outcome] = costs.outcomes.get(outcome, 0) + 1
        pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        billed = len(transitions(events))
        costs.transitions += billed
        scheduled = (event.get("taskScheduledEventDetails", {}).get("resourceType") for event in events)
        costs.invocations += sum(kind == "lambda" for kind in scheduled)
        if outcome == "coalesced":
            costs.most_coalesced = max(costs.most_coalesced, billed)
    return costs
