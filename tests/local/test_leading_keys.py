"""A right to some partitions of a table is a right to those, whatever the call: `dynamodb:LeadingKeys`.

MiniStack as it comes (1.5.33) does not know the key: it answers each call that is refused here, or with the Null
condition refuses those that are answered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local import builders

Call = Callable[[Any, str, str], Any]
ITEMS = ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
ACTIONS = [f"dynamodb:{name}" for name in (*ITEMS, "ConditionCheckItem", "Scan")]
MINE, NOT_MINE = "mine-1", "theirs"


def only(*keys: str, given: bool = True) -> dict[str, Any]:
    """A statement for partitions of these patterns; with `given`, for calls that name partitions at all."""
    condition: dict[str, Any] = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}
    if given:
        condition["Null"] = {"dynamodb:LeadingKeys": "false"}
    return {**builders.allow(*ACTIONS), "Condition": condition}


def key(partition: str) -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"S": "x"}}


def put(table: str, partition: str) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": {**key(partition), "is": {"S": "put"}}}}


def check(table: str, partition: str) -> dict[str, Any]:
    condition = {"ConditionExpression": "attribute_exists(pk)"}
    return {"ConditionCheck": {"TableName": table, "Key": key(partition), **condition}}


def delete(table: str, partition: str) -> dict[str, Any]:
    return {"Delete": {"TableName": table, "Key": key(partition)}}


def update(table: str, partition: str) -> dict[str, Any]:
    changes = {"UpdateExpression": "SET a = :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    return {"Update": {"TableName": table, "Key": key(partition), **changes}}


def query(condition: str, **names: str) -> Call:
    def ask(c: Any, table: str, partition: str) -> Any:
        values = {":pk": {"S": partition}, **({":sk": {"S": MINE}} if ":sk" in condition else {})}
        arguments: dict[str, Any] = {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
        if names:
            arguments["ExpressionAttributeNames"] = {f"#{name}": attribute for name, attribute in names.items()}
        return c.query(TableName=table, **arguments)

    return ask


def write_batch(c: Any, table: str, partition: str) -> Any:
    return c.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": key(partition)}}]})


def delete_batch(c: Any, table: str, partition: str) -> Any:
    return c.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": key(partition)}}]})


CALLS: dict[str, Call] = {
    "get": lambda c, t, p: c.get_item(TableName=t, Key=key(p)),
    "put": lambda c, t, p: c.put_item(TableName=t, Item=key(p)),
    "update": lambda c, t, p: c.update_item(**update(t, p)["Update"]),
    "delete": lambda c, t, p: c.delete_item(TableName=t, Key=key(p)),
    "query": query("pk = :pk"),
    "query by another name": query("#k = :pk", k="pk"),
    "query the other way round": query(":pk = pk AND sk = :sk"),
    "query with a sort key that would be allowed": query("(#s = :sk) AND (#k = :pk)", k="pk", s="sk"),
    "query as it was once written": lambda c, t, p: c.query(
        TableName=t, KeyConditions={"pk": {"AttributeValueList": [{"S": p}], "ComparisonOperator": "EQ"}}
    ),
    "get two": lambda c, t, p: c.batch_get_item(RequestItems={t: {"Keys": [key(MINE), key(f"{p}-2")]}}),
    "write a batch": write_batch,
    "delete a batch": delete_batch,
    "read in a transaction": lambda c, t, p: c.transact_get_items(
        TransactItems=[{"Get": {"TableName": t, "Key": key(one)}} for one in ("mine-also", p)]
    ),
    **{
        f"{change.__name__} in a transaction": lambda c, t, p, change=change: c.transact_write_items(  # type: ignore[misc]
            TransactItems=[put(t, "mine-also"), change(t, p)]
        )
        for change in (put, update, delete, check)
    },
}


@pytest.fixture(scope="module")
def table(small_cloud: LocalCloud) -> Iterator[str]:
    name, dynamodb = builders.unique("keys"), small_cloud.client("dynamodb")
    parts = (("pk", "HASH"), ("sk", "RANGE"))
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": part, "KeyType": kind} for part, kind in parts],
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part, _ in parts],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def both(small_cloud: LocalCloud, table: str) -> None:
    """What a condition may ask for is there."""
    for partition in (MINE, NOT_MINE):
        small_cloud.client("dynamodb").put_item(TableName=table, Item=key(partition))


def client(cloud: LocalCloud, *statements: dict[str, Any]) -> Any:
    return builders.user(cloud, *statements).client("dynamodb", endpoint_url=cloud.url)


@pytest.fixture(scope="module")
def limited(small_cloud: LocalCloud) -> Any:
    return client(small_cloud, only("mine-*"))


@pytest.fixture(scope="module")
def without_null(small_cloud: LocalCloud) -> Any:
    return client(small_cloud, only("mine-*", given=False))


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_only_the_partitions_of_the_policy(limited: Any, without_null: Any, table: str, call: Call) -> None:
    call(limited, table, MINE)
    for who in (limited, without_null):
        with pytest.raises(ClientError) as refused:
            call(who, table, NOT_MINE)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


@pytest.mark.usefixtures("both")
def test_a_refused_transaction_writes_nothing(small_cloud: LocalCloud, limited: Any, table: str) -> None:
    with pytest.raises(ClientError, match="dynamodb:PutItem"):
        limited.transact_write_items(TransactItems=[put(table, "mine-unwritten"), put(table, NOT_MINE)])
    for partition in ("mine-unwritten", NOT_MINE):
        found = small_cloud.client("dynamodb").get_item(TableName=table, Key=key(partition)).get("Item", {})
        assert "is" not in found


def test_an_action_for_one_partition_is_none_for_another(small_cloud: LocalCloud, table: str) -> None:
    """Each item of a transaction is asked about by its own action: the rights to two do not add up to more."""
    reads = {**only("mine-*"), "Action": ["dynamodb:ConditionCheckItem"]}
    writes = {**only("ours"), "Action": ["dynamodb:PutItem"]}
    c = client(small_cloud, reads, writes)
    small_cloud.client("dynamodb").put_item(TableName=table, Item=key(MINE))
    c.transact_write_items(TransactItems=[check(table, MINE), put(table, "ours")])
    with pytest.raises(ClientError, match="dynamodb:PutItem"):
        c.transact_write_items(TransactItems=[check(table, MINE), put(table, MINE)])


def test_a_call_that_names_no_partition_needs_the_null_condition_to_be_refused(
    limited: Any, without_null: Any, table: str
) -> None:
    """An absent key satisfies ForAllValues, on AWS as here (IAM's guide, "Multivalued context keys")."""
    with pytest.raises(ClientError, match="dynamodb:Scan"):
        limited.scan(TableName=table)
    without_null.scan(TableName=table)
