"""The claim: one pipeline at a time. Every conditional write succeeds when it finds its own earlier write."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from domain.errors import Superseded
from domain.state import Claim
from ledger.items import Items
from ledger.keys import CLAIM

_CLAIM: Final = {"pk": CLAIM, "sk": CLAIM}


class Claims:
    """Who may work, over a boto3 DynamoDB `Table`."""

    def __init__(self, table: Any) -> None:
        self._table, self._items = table, Items(table)

    def claim(self, owner: str, now: str) -> Claim | None:
        """Take the claim if it is free or reserved for `owner`; it as it is then, None if it was just given back."""
        if self._items.put({**_CLAIM, "owner": owner, "since": now}, "attribute_not_exists(pk)"):
            return Claim(owner)
        found = self._claim()
        if found and found.owner == owner and found.reserved:
            self.take_over(found, owner, now)
            return self._claim()
        return found

    def take_over(self, found: Claim, to: str, now: str) -> bool:
        """Pass the claim on to `to` as it was `found`; False if it has changed since.

        An owner that ended stays so. One for which the claim is reserved may have started since it was looked at: it
        has taken the claim up then, and keeps it.
        """
        as_found = "attribute_exists(#reserved)" if found.reserved else "attribute_not_exists(#reserved)"
        return self._items.put(
            {**_CLAIM, "owner": to, "since": now, "recover": True},
            f"#owner = :owner AND {as_found}",
            {":owner": found.owner},
            {"#owner": "owner", "#reserved": "reserved"},
        )

    def hand_over(self, owner: str, to: str, now: str) -> bool:
        """Reserve the claim of `owner`, which is dead, for the execution `to`; whether it is `to`'s."""
        item = {**_CLAIM, "owner": to, "since": now, "recover": True, "reserved": True}
        return (
            self._items.put(item, "#owner = :owner", {":owner": owner}, {"#owner": "owner"}) or self.claimed_by() == to
        )

    def seize(self, owner: str, now: str) -> None:
        """Take the claim whoever holds it: deleting the stack goes before any run."""
        self._table.put_item(Item={**_CLAIM, "owner": owner, "since": now})

    def claimed_by(self) -> str | None:
        """The execution that holds the claim, or None."""
        found = self._claim()
        return found.owner if found else None

    def require_claim(self, owner: str) -> None:
        """Raise Superseded unless `owner` holds the claim."""
        holder = self.claimed_by()
        if holder != owner:
            raise Superseded(f"the claim is held by {holder or 'nobody'}, not by {owner}")

    def release(self, owner: str) -> None:
        """Give the claim back; nothing happens if it is not `owner`'s."""
        # Given back by an earlier try, or taken over: either way it is not ours any more.
        with suppress(self._items.errors.ConditionalCheckFailedException):
            self._table.delete_item(Key=_CLAIM, **_owned_by(owner))

    def _write_as(self, owner: str, *writes: dict[str, Any]) -> bool:
        """Carry out all of `writes`, or none and False if `owner` lacks the claim or one's own condition fails."""
        check = {"TableName": self._table.name, "Key": _CLAIM, **_owned_by(owner)}
        errors = self._items.errors
        try:
            self._table.meta.client.transact_write_items(TransactItems=[{"ConditionCheck": check}, *writes])
        except errors.TransactionCanceledException as error:
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" not in reasons:
                raise  # two writes met, or too many came at once: that says nothing about the conditions
            return False
        return True

    def _claim(self) -> Claim | None:
        item = self._items.get(_CLAIM)
        return Claim.of(item) if item else None


def _owned_by(owner: str) -> dict[str, Any]:
    """The condition of a write that `owner` has the claim."""
    return {
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": owner},
    }
