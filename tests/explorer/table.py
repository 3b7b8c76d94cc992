"""A DynamoDB table in memory, with the operations and the expressions that the ledger uses and no others.

It stands for AWS, not for our code: `tests/ledger/test_ledger.py` runs on it and on the local cloud's DynamoDB alike.
An expression that it does not know is an error, never a guess. Items are kept as DynamoDB's own typed JSON, as text,
so that a whole table can be compared and hashed.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Items = dict[tuple[str, str], str]
_KEYS = ("pk", "sk")


class Rejected(Exception):
    """DynamoDB refuses: an error code, and why each write of a transaction was cancelled."""

    def __init__(self, code: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.code, self.reasons = code, reasons


def apply(items: Items, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Carry out one operation on `items`, which are changed in place; what boto3 would return. Raises Rejected."""
    return _OPERATIONS[operation](items, arguments)


def _put(items: Items, arguments: dict[str, Any]) -> dict[str, Any]:
    key = _key(arguments["Item"])
    _check(items, key, arguments)
    items[key] = _write(arguments["Item"])
    return {}


def _delete(items: Items, arguments: dict[str, Any]) -> dict[str, Any]:
    key = _key(arguments["Key"])
    _check(items, key, arguments)
    items.pop(key, None)
    return {}


def _get(items: Items, arguments: dict[str, Any]) -> dict[str, Any]:
    found = items.get(_key(arguments["Key"]))
    return {"Item": _read(found)} if found else {}


def _query(items: Items, arguments: dict[str, Any]) -> dict[str, Any]:
    _known(arguments["KeyConditionExpression"] == "pk = :pk", arguments)
    wanted = arguments["ExpressionAttributeValues"][":pk"]
    return {"Items": [_read(items[key]) for key in sorted(items) if key[0] == wanted]}


def _update(items: Items, arguments: dict[str, Any]) -> dict[str, Any]:
    key = _key(arguments["Key"])
    _check(items, key, arguments)
    item = _read(items[key]) if key in items else dict(arguments["Key"])
    expression, value = arguments["UpdateExpression"], _values(arguments)
    if match := re.fullmatch(r"SET (\S+) = if_not_exists\((\S+), (:\w+)\)", expression):
        target, looked_at = _name(match[1], arguments), _name(match[2], arguments)
        item[target] = item.get(looked_at, value[match[3]])
    elif match := re.fullmatch(r"ADD (\S+) (:\w+)", expression):
        name = _name(match[1], arguments)
        item[name] = item.get(name, set()) | value[match[2]]
    else:
        _known(False, arguments)
    items[key] = _write(item)
    return {"Attributes": item} if arguments.get("ReturnValues") == "ALL_NEW" else {}


def _transact(items: Items, arguments: dict[str, Any]) -> dict[str, Any]:
    after, reasons = dict(items), []
    for write in arguments["TransactItems"]:
        ((kind, request),) = write.items()
        try:
            if kind == "ConditionCheck":
                _check(after, _key(request["Key"]), request)
            else:
                {"Put": _put, "Update": _update, "Delete": _delete}[kind](after, request)
        except Rejected:
            reasons.append("ConditionalCheckFailed")
        else:
            reasons.append("None")
    if set(reasons) != {"None"}:
        raise Rejected("TransactionCanceledException", tuple(reasons))
    items.clear()
    items.update(after)
    return {}


_OPERATIONS: dict[str, Callable[[Items, dict[str, Any]], dict[str, Any]]] = {
    "put_item": _put,
    "delete_item": _delete,
    "get_item": _get,
    "query": _query,
    "update_item": _update,
    "transact_write_items": _transact,
}


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {"<": operator.lt, "<=": operator.le, "=": operator.eq}


def _check(items: Items, key: tuple[str, str], arguments: dict[str, Any]) -> None:
    """The condition of a write on the item as it is."""
    condition = arguments.get("ConditionExpression")
    item = _read(items[key]) if key in items else {}
    ways = [way.split(" AND ") for way in condition.split(" OR ")] if condition else [[]]
    if not any(all(_holds(term, item, arguments) for term in way) for way in ways):
        raise Rejected("ConditionalCheckFailedException")


def _holds(term: str, item: dict[str, Any], arguments: dict[str, Any]) -> bool:
    value = _values(arguments)
    if match := re.fullmatch(r"attribute_(not_)?exists\((\S+)\)", term):
        return (_name(match[2], arguments) in item) == (match[1] is None)
    if match := re.fullmatch(r"(\S+) (<|<=|=) (:\w+)", term):
        name = _name(match[1], arguments)
        return name in item and bool(_COMPARISONS[match[2]](item[name], value[match[3]]))
    _known(False, arguments)
    return False


def _known(it_is: bool, arguments: dict[str, Any]) -> None:
    if not it_is:
        raise NotImplementedError(f"this table does not know the expression in {arguments}")


def _name(written: str, arguments: dict[str, Any]) -> str:
    return str(arguments["ExpressionAttributeNames"][written]) if written.startswith("#") else written


def _values(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: _typed(value) for name, value in arguments.get("ExpressionAttributeValues", {}).items()}


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return (str(item["pk"]), str(item["sk"]))


def _typed(value: Any) -> Any:
    """A value as it comes back: numbers are Decimals."""
    return TypeDeserializer().deserialize(TypeSerializer().serialize(value))


def _write(item: dict[str, Any]) -> str:
    typed = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    return json.dumps({name: _ordered(value) for name, value in typed.items()}, sort_keys=True)


def _ordered(value: dict[str, Any]) -> dict[str, Any]:
    """The members of a set have no order: give them one."""
    return {kind: sorted(of) if kind in ("SS", "NS") else of for kind, of in value.items()}


def _read(text: str) -> dict[str, Any]:
    return dict(_parsed(text))


@cache
def _parsed(text: str) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in json.loads(text).items()}


# ---- as boto3 shows it ------------------------------------------------------------------


@cache
def exceptions(service: str) -> Any:
    """The exception classes of a boto3 client."""
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    return boto3.session.Session(region_name="us-east-1", **keys).client(service).exceptions


def as_error(rejected: Rejected, operation: str) -> Exception:
    """The exception that boto3 raises for a refusal."""
    response = {
        "Error": {"Code": rejected.code, "Message": rejected.code},
        "CancellationReasons": [{"Code": reason} for reason in rejected.reasons],
    }
    error: Exception = exceptions("dynamodb").from_code(rejected.code)(response, operation)
    return error


class Table:
    """boto3's DynamoDB `Table` over items in memory, for tests that run on it directly."""

    name = "ledger"

    def __init__(self) -> None:
        self.items: Items = {}
        self.meta = self
        self.client = self
        self.exceptions = exceptions("dynamodb")

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        if operation not in _OPERATIONS:
            raise AttributeError(operation)

        def ask(**arguments: Any) -> dict[str, Any]:
            try:
                return apply(self.items, operation, arguments)
            except Rejected as rejected:
                raise as_error(rejected, operation) from rejected

        return ask
