"""Explores every interleaving of a few executions, with faults, and says how the first broken promise came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.settings import Settings
from tests.explorer.champions import crowned
from tests.explorer.functions import Functions, Handler, surroundings
from tests.explorer.machine import Machine
from tests.explorer.promises import Violation, at_rest, check
from tests.explorer.steps import Step, Steps, Story
from tests.explorer.world import World


@dataclass
class Report:
    """What was seen: states, transitions, ends, how many ends needed the sweep, the most executions in one story."""

    states: int = 0
    transitions: int = 0
    ends: int = 0
    needed_sweep: int = 0
    most_executions: int = 0
    function_nodes: int = 0


class Explorer:
    """Explores stories of one definition with one set of handlers."""

    def __init__(
        self, definition: dict[str, Any], variables: Mapping[str, str], handlers: Mapping[str, Handler]
    ) -> None:
        self._machine = Machine(definition, variables["STATE_MACHINE_ARN"])
        self._functions, self._variables = Functions(handlers), variables
        self._epoch = Settings.model_validate_json(variables["SETTINGS"]).data.epoch

    def explore(self, story: Story) -> Report:
        """All of a story. Raises Violation."""
        with surroundings(self._variables):
            return self._explore(story)

    def _explore(self, story: Story) -> Report:
        report, steps_of = Report(), Steps(self._machine, self._functions, story)
        first = World(faults=story.faults)
        if story.orders:
            crowned(first)
        steps_of.drop(first)
        seen: dict[int, tuple[int, str]] = {first.key(): (0, "")}
        waiting = [first]
        while waiting:
            world = waiting.pop()
            key = world.key()
            report.states += 1
            report.most_executions = max(report.most_executions, len(world.executions))
            try:
                check(world, self._machine)
                steps = list(steps_of.after(world))
                if all(step.is_fault for step in steps):
                    report.ends += 1
                    swept = at_rest(world, self._epoch)
                    report.needed_sweep += swept is not None
                    steps += [Step("the daily sweep", swept)] if swept else []
            except Violation as broken:
                raise Violation(f"{broken}\n{self._trace(seen, key)}") from None
            for step in steps:
                report.transitions += 1
                reached = step.world.key()
                if reached not in seen:
                    seen[reached] = (key, step.label)
                    waiting.append(step.world)
        report.function_nodes = len(self._functions)
        return report

    def _trace(self, seen: Mapping[int, tuple[int, str]], key: int) -> str:
        labels = []
        while key:
            key, label = seen[key]
            labels.append(label)
        return "\n".join(f"  {number}. {label}" for number, label in enumerate(reversed(labels[:-1]), 1))
