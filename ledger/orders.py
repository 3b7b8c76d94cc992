"""Orders: a person's word that a model goes live which is there already, until it is carried out or refused."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from domain.state import Order
from ledger.items import Items
from ledger.keys import ORDER


class Orders:
    """The open orders, over the ledger's items. Only people write them (`ledger/keys.py`)."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def give(self, order: Order) -> None:
        """Note an order. Written before an execution is started, so it cannot be lost."""
        self._items.write(item_of(order))

    def of(self, run: str) -> Order | None:
        """The open order that a run carries out, or None."""
        item = self._items.get(_key(run))
        return Order.of(item) if item else None

    def open(self) -> list[Order]:
        """All that were neither carried out nor refused, in the order in which they were given."""
        return sorted(map(Order.of, self._items.all(ORDER)), key=lambda order: order.at)

    def close(self, run: str) -> None:
        """Forget an order, if there is one: its run is concluded."""
        self._items.delete(_key(run))


def item_of(order: Order) -> dict[str, Any]:
    """An order as the ledger's item, which only people may write."""
    return {**_key(order.order), **asdict(order), "holds": [asdict(hold) for hold in order.holds]}


def _key(order: str) -> dict[str, str]:
    return {"pk": ORDER, "sk": order}
