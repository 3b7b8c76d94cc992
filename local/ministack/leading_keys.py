"""The condition key dynamodb:LeadingKeys, which MiniStack 1.5.33 does not know: the partition keys a call names.

On AWS it has the values of the partition key of every item that a call is about, and is absent where a call is about
all of them (Scan). A transaction is no action of its own: "permissions for Put, Update, Delete, and Get actions are
governed by the permissions used for the underlying" operations (DynamoDB's guide, "Using IAM with DynamoDB
transactions"), so each of its items is asked about with its own key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

KEY: Final = "dynamodb:LeadingKeys"
_MEMBERS: Final = ("ConditionCheck", "Put", "Update", "Delete", "Get")
_EQUALS: Final = re.compile(r"([#\w.-]+)\s*=\s*(:\w+)|(:\w+)\s*=\s*([#\w.-]+)")
Request = dict[str, Any]


def apply() -> None:
    """Let every check of a DynamoDB call know which partitions it is about."""
    iam_actions.dynamodb_service_context = _of_a_call(iam_actions.dynamodb_service_context)
    iam_actions.dynamodb_transaction_checks = _of_each_item(iam_actions.dynamodb_transaction_checks)
    iam_evaluator.enforce = _with_the_items_key(iam_evaluator.enforce)


def leading_keys(request: Request) -> list[str]:
    """The partition keys that a call names, a transaction's left out: [] if it is about no partition in particular."""
    return sorted(set(_named(request)))


class _Item(str):
    """The ARN of the table of one item of a transaction; `keys` are its partition key, in a list."""

    keys: list[str]

    @classmethod
    def of(cls, arn: str, item: Request) -> _Item:
        made = cls(arn)
        made.keys = leading_keys(item)
        return made


def _of_a_call(original: Callable[[bytes], dict[str, Any]]) -> Callable[[bytes], dict[str, Any]]:
    def context(body: bytes) -> dict[str, Any]:
        found = leading_keys(_read(body))
        return {**original(body), **({KEY: found} if found else {})}

    return context


def _of_each_item(original: Callable[..., list[tuple[str, str]]]) -> Callable[..., list[tuple[str, str]]]:
    """MiniStack checks each item's action on its table; here the ARN also knows which item it stands for."""

    def checks(action: str, body: bytes, *rest: str) -> list[tuple[str, str]]:
        found = original(action, body, *rest)
        # In the order of the original, which leaves out what names no table.
        items = [
            item[member]
            for item in (_read(body).get("TransactItems") or [] if found else [])
            for member in _MEMBERS
            if isinstance(item, dict) and isinstance(item.get(member), dict) and item[member].get("TableName")
        ]
        return [(done, _Item.of(arn, item)) for (done, arn), item in zip(found, items, strict=True)]

    return checks


def _with_the_items_key(original: Callable[..., Any]) -> Callable[..., Any]:
    def enforce(*arguments: Any, resource_arn: str = "*", **named: Any) -> Any:
        if isinstance(resource_arn, _Item) and resource_arn.keys:
            named["service_context"] = {**(named.get("service_context") or {}), KEY: resource_arn.keys}
        return original(*arguments, resource_arn=resource_arn, **named)

    return enforce


def _named(request: Request) -> Iterator[str]:
    if isinstance(request.get("RequestItems"), dict):
        for table, asked in request["RequestItems"].items():
            yield from _of_a_batch(_partition_key(table), asked)
        return
    key = _partition_key(request.get("TableName"), request.get("IndexName"))
    yield from _values([request.get("Key"), request.get("Item")], key)
    yield from _of_a_query(request, key)


def _of_a_batch(key: str, asked: Any) -> Iterator[str]:
    """`asked` is what BatchGetItem or BatchWriteItem wants of one table."""
    if isinstance(asked, dict):
        yield from _values(asked.get("Keys") or [], key)
    for write in asked if isinstance(asked, list) else []:
        yield from _values([write.get("PutRequest", {}).get("Item"), write.get("DeleteRequest", {}).get("Key")], key)


def _of_a_query(request: Request, key: str) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    for name, value, value_first, name_last in _EQUALS.findall(request.get("KeyConditionExpression") or ""):
        attribute = name or name_last
        if names.get(attribute, attribute) == key:
            yield from _text(values.get(value or value_first))
    legacy = (request.get("KeyConditions") or {}).get(key) or {}
    for value in legacy.get("AttributeValueList") or []:
        yield from _text(value)


def _values(items: Iterable[Any], key: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict):
            yield from _text(item.get(key))


def _text(value: Any) -> Iterator[str]:
    """A key's value as IAM compares it: DynamoDB's `{"S": "x"}` is "x"."""
    if isinstance(value, dict):
        yield from (str(one) for one in value.values())


def _partition_key(table: Any, index: Any = None) -> str:
    """The name of the partition key of a table or one of its indexes; "" for a table that does not exist."""
    found = dynamodb._tables.get(str(table).rpartition("/")[2])
    return str(dynamodb._resolve_index_keys(found, index)[0]) if found else ""


def _read(body: bytes) -> Request:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
