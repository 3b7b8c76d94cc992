"""The tree of errors: what is drawn is what there is, and what Step Functions goes by has one name."""

from __future__ import annotations

import inspect
import re

from domain import errors
from lambdas import environment
from stacks.paths import ROOT


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = re.findall(r"^[│├└─ ]*(\w+(?:Error)?)(?:  +\S.*)?$", str(errors.__doc__), re.MULTILINE)
    kinds = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)}
    assert sorted(drawn) == sorted(kinds)


def test_what_boto3_raises_has_the_name_that_the_machine_retries() -> None:
    """boto3's own ClientError stands between the two classes, so it is a class of its own."""
    assert environment.NotYetAllowed.__name__ == errors.NotYetAllowed.__name__
    assert issubclass(environment.NotYetAllowed, errors.NotYetAllowed)


def test_each_error_is_raised_somewhere() -> None:
    """Else a retry or an advice waits for what never comes. The state machine raises by name."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("domain", "lambdas", "ledger", "stacks", "tasks", "training")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "errors.py"
    )
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    leaves = {kind.__name__ for kind in kinds if kind.__subclasses__() == []} | {"EpochChanged"}
    made = set(re.findall(r"\b(\w+)\(", code))
    by_the_machine = set(re.findall(r"\b(?:fail\(scope, |Error\(error=)(\w+)", code))
    assert leaves - made - by_the_machine == set()
