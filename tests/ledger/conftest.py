"""A ledger on a real table, and one on the explorer's table in memory: both must answer alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import pytest

from ledger.ledger import Ledger
from local.cloud import LocalCloud
from tests.explorer.table import Table

_KEYS: Final = (("pk", "HASH"), ("sk", "RANGE"))
_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("ledger"), auth=False) as cloud:
        yield cloud


@pytest.fixture(params=["cloud", "memory"])
def empty(request: pytest.FixtureRequest) -> Ledger:
    """A ledger in which nothing is."""
    if request.param == "memory":
        return Ledger(Table())
    name, cloud = f"ledger-{next(_NUMBERS)}", request.getfixturevalue("cloud")
    cloud.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in _KEYS],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in _KEYS],
    )
    return Ledger(cloud.resource("dynamodb").Table(name))
