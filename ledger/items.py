"""The items of one DynamoDB table with the keys `pk` and `sk`: written on a condition, read as they are now."""

from __future__ import annotations

from typing import Any


class Items:
    """The items, over a boto3 DynamoDB `Table`. `errors` are its client's exceptions."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.errors = table.meta.client.exceptions

    def put(
        self,
        item: dict[str, Any],
        condition: str,
        values: dict[str, Any] | None = None,
        names: dict[str, str] | None = None,
    ) -> bool:
        """Write an item; False if the condition does not hold. `values` and `names` are the condition's."""
        arguments: dict[str, Any] = {"Item": item, "ConditionExpression": condition}
        if values:
            arguments["ExpressionAttributeValues"] = values
        if names:
            arguments["ExpressionAttributeNames"] = names
        try:
            self._table.put_item(**arguments)
        except self.errors.ConditionalCheckFailedException:
            return False
        return True

    def write(self, item: dict[str, Any]) -> None:
        """Write an item over whatever is there."""
        self._table.put_item(Item=item)

    def delete(self, key: dict[str, str]) -> None:
        """Delete an item, if it is there."""
        self._table.delete_item(Key=key)

    def get(self, key: dict[str, str]) -> dict[str, Any] | None:
        """An item by its keys, or None."""
        item: dict[str, Any] | None = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
        return item

    def all(self, kind: str) -> list[dict[str, Any]]:
        """All items whose `pk` is `kind`, by `sk`."""
        items: list[dict[str, Any]] = []
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": kind},
            "ConsistentRead": True,
        }
        while True:
            page = self._table.query(**arguments)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
