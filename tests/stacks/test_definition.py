"""The machine's definition as such: reviewed, sound, bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.api import lint_all

from domain.errors import ConvergenceFailed, NotAnnounced, RolledBack, TrainingNotCompleted
from tasks.settings import of
from tests.stacks.conftest import check_snapshot
from tests.stacks.synth import Synthesized


def test_the_definition_is_as_reviewed(aws: Synthesized) -> None:
    check_snapshot("definition.json", json.dumps(aws.definition(), indent=2, sort_keys=True) + "\n")


def test_every_state_can_be_reached(aws: Synthesized, on_demand: Synthesized) -> None:
    for definition in (aws.definition(), on_demand.definition()):
        states, reached, waiting = definition["States"], set(), [definition["StartAt"]]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += _next(states[name])
        assert reached == set(states)


def test_every_task_is_bounded_and_retried(aws: Synthesized, on_demand: Synthesized) -> None:
    for definition in (aws.definition(), on_demand.definition()):
        tasks = {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}
        assert len(tasks) == 14
        for name, task in tasks.items():
            assert 0 < task["TimeoutSeconds"] < definition["TimeoutSeconds"], name
            assert task["Retry"], name
            for retry in task["Retry"]:
                assert retry["JitterStrategy"] == "FULL", name
                assert 0 < retry["MaxDelaySeconds"] <= 120, name


def test_the_machine_outlasts_what_it_waits_for(aws: Synthesized, on_demand: Synthesized) -> None:
    settings = of("text")()
    for definition, jobs in ((aws.definition(), 1), (on_demand.definition(), 2)):
        train = definition["States"]["Train"]["TimeoutSeconds"]
        assert train > settings.training.max_wait_seconds
        assert definition["TimeoutSeconds"] > jobs * train + settings.data.settle_max_seconds


def test_it_fails_with_errors_that_have_a_class(aws: Synthesized, on_demand: Synthesized) -> None:
    """What a person is told of them, and what Reconcile makes of them, goes by these names."""
    states = {**aws.definition()["States"], **on_demand.definition()["States"]}
    named = {state["Error"] for state in states.values() if state["Type"] == "Fail" and "{%" not in state["Error"]}
    assert named == {kind.__name__ for kind in (ConvergenceFailed, NotAnnounced, RolledBack, TrainingNotCompleted)}


@pytest.mark.slow
def test_cfn_lint_accepts_the_definition(aws: Synthesized, on_demand: Synthesized) -> None:
    """Rule E3601 reads Amazon States Language, but not through CDK's Fn::Join: so the resolved copy is linted."""
    for synthesized in (aws, on_demand):
        properties = {"RoleArn": "arn:aws:iam::111122223333:role/r", "Definition": synthesized.definition()}
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}})
        assert [str(match) for match in lint_all(template) if match.rule.id[0] in "EW"] == []


def _next(state: dict[str, Any]) -> list[str]:
    rules = [*state.get("Choices", []), *state.get("Catch", [])]
    names = [state.get("Next"), state.get("Default"), *(rule["Next"] for rule in rules)]
    return [name for name in names if name]
