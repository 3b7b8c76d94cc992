"""What a function may do with which kinds of the ledger's items.

An item's kind is its partition key (`ledger/keys.py`), so IAM can tell kinds apart (`dynamodb:LeadingKeys`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Self

ACTIONS: Final = {
    "get": "dynamodb:GetItem",
    "query": "dynamodb:Query",
    "check": "dynamodb:ConditionCheckItem",
    "put": "dynamodb:PutItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
}


@dataclass(frozen=True, kw_only=True)
class LedgerRights:
    """The kinds of items that may be read one by one or in a row, be a write's condition, written, and deleted."""

    get: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    put: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()

    def __or__(self, other: Self) -> LedgerRights:
        """What either allows."""
        return LedgerRights(
            **{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        )

    def by_action(self) -> dict[str, list[str]]:
        """IAM action → kinds of items, both sorted."""
        allowed = {ACTIONS[field.name]: sorted(set(getattr(self, field.name))) for field in fields(self)}
        return {action: kinds for action, kinds in sorted(allowed.items()) if kinds}


# For a function that does not know the ledger.
NONE: Final = LedgerRights()
