"""The state machine assigns and reads the variables that are listed, with the values that are listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from domain.messages import Claimed, DeployStep, Evaluated, Prepared, Screened
from stacks.state_machine.variables import Variables
from tests.stacks.synth import Synthesized

LISTED = get_type_hints(Variables)
# Names with an argument list are JSONata's functions, and $states is Step Functions' own.
READ = re.compile(r"\$(?!states\b)(\w+)\b(?!\()")
COMPARED = re.compile(r"\$(\w+) (?:!?= ('\w[^']*')|in \[([^]]*)\])")


def values(hint: Any) -> set[object]:
    """What a variable of this type is listed to be; nothing where it may be any text."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return {value for option in get_args(hint) for value in values(option)}


def states(*synthesized: Synthesized) -> Iterator[dict[str, Any]]:
    for one in synthesized:
        yield from one.definition()["States"].values()


def assigned(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(variable, value) of all that a state, its choices and its catches assign."""
    for rule in (state, *state.get("Choices", []), *state.get("Catch", [])):
        yield from rule.get("Assign", {}).items()


def expressions(value: Any) -> Iterator[str]:
    """All JSONata in a value."""
    if isinstance(value, str) and value.startswith("{%"):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from expressions(item)


def test_every_variable_that_is_assigned_or_read_is_listed_and_the_other_way_round(
    aws: Synthesized, on_demand: Synthesized
) -> None:
    found = list(states(aws, on_demand))
    read = {name for state in found for text in expressions(state) for name in READ.findall(text)}
    assert {name for state in found for name, _ in assigned(state)} == set(LISTED)
    assert read == set(LISTED)


def test_a_variable_has_and_is_compared_with_the_values_that_it_is_listed_with(
    aws: Synthesized, on_demand: Synthesized
) -> None:
    found = list(states(aws, on_demand))
    given = {(name, value) for state in found for name, value in assigned(state) if isinstance(value, str)}
    compared = {
        (name, literal)
        for state in found
        for text in expressions(state)
        for name, one, several in COMPARED.findall(text)
        for literal in re.findall(r"'([^']*)'", one or several)
    }
    assert ("target", "candidate") in compared
    assert ("status", "InService") in compared
    for name, value in sorted(compared | given):
        if values(LISTED[name]) and not value.startswith("{%"):
            assert value in values(LISTED[name]), f"${name} cannot be {value!r}"


@pytest.mark.parametrize(
    ("variable", "message", "field", "more"),
    [
        ("outcome", Claimed, "outcome", set()),
        ("start", Claimed, "start", set()),
        ("screened", Screened, "outcome", set()),
        ("target", DeployStep, "target", set()),
        ("stage", DeployStep, "stage", set()),
        ("verdict", Evaluated, "verdict", {"none", "screened", *get_args(Prepared.model_fields["outcome"].annotation)}),
    ],
)
def test_what_is_listed_is_what_steps_answer_and_are_told(
    variable: str, message: Any, field: str, more: set[object]
) -> None:
    assert values(LISTED[variable]) == set(get_args(message.model_fields[field].annotation)) | more
