"""What is granted, and which of it was used: compared right by right, then statement by statement. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.ministack.policies import allowed
from local.permissions import Request

Statement = dict[str, Any]
Policies = Mapping[str, Sequence[Statement]]
"""Role → the statements of its policies."""
LEADING_KEYS = "dynamodb:leadingkeys"


@dataclass(frozen=True, order=True)
class Right:
    """One action on one resource pattern for a role; of the ledger, on one kind of facts."""

    role: str
    action: str
    resource: str
    facts: str = ""


@dataclass(frozen=True)
class Comparison:
    """`superfluous` are statements without which each recorded request would still be allowed."""

    used: frozenset[Right]
    unused: frozenset[Right]
    superfluous: tuple[tuple[str, Statement], ...]
    refused: tuple[Request, ...]


def compare(policies: Policies, requests: Iterable[Request]) -> Comparison:
    """Compare what `policies` grant with what was asked for. What they refuse was not used, and is listed."""
    by_role: dict[str, list[Request]] = {role: [] for role in policies}
    refused = []
    for request in requests:
        if request.role in policies and allowed(request, policies[request.role]):
            by_role[request.role].append(request)
        elif request.role in policies:
            refused.append(request)
    used, unused = set[Right](), set[Right]()
    for role, statements in policies.items():
        for statement in statements:
            for right, narrowed in rights(role, statement):
                (used if _is_used(right, narrowed, by_role[role]) else unused).add(right)
    superfluous = tuple(
        (role, statement)
        for role, statements in policies.items()
        for statement in statements
        if is_superfluous(statement, statements, by_role[role])
    )
    return Comparison(frozenset(used), frozenset(unused - used), superfluous, tuple(refused))


def rights(role: str, statement: Statement) -> Iterator[tuple[Right, Statement]]:
    """Each right that a statement grants, with the statement that would grant it alone."""
    for action in _list(statement["Action"]):
        for resource in _list(statement["Resource"]):
            for facts in _facts(statement):
                yield Right(role, action, resource, facts), {**statement, "Action": action, "Resource": resource}


def granted(policies: Policies) -> set[Right]:
    """All rights of all roles."""
    return {right for role, statements in policies.items() for one in statements for right, _ in rights(role, one)}


def is_superfluous(statement: Statement, statements: Sequence[Statement], asked: Iterable[Request]) -> bool:
    """Whether all that was asked for and allowed would be allowed without one of the statements."""
    others = [other for other in statements if other is not statement]
    return all(allowed(request, others) for request in asked)


def _is_used(right: Right, narrowed: Statement, asked: Iterable[Request]) -> bool:
    for request in asked:
        named = dict(request.context).get(LEADING_KEYS, ())
        if allowed(request, [narrowed]) and (not right.facts or right.facts in named):
            return True
    return False


def _facts(statement: Statement) -> list[str]:
    """The kinds of facts that a statement is about, [""] for one that is not about the ledger."""
    return _list(statement.get("Condition", {}).get("ForAllValues:StringEquals", {}).get("dynamodb:LeadingKeys", ""))


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
