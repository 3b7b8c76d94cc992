"""Rows as a model reads them, as arrays: the same in training, in the gate and at the endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.data.records import Column, cell
from tasks.tabular.row import column

if TYPE_CHECKING:
    from domain.data.settings import FeatureType

# More than any setting allows: what is longer than all that a model knows is unknown to it anyway.
_MOST_CHARS: Final = 1_000_000
_LARGEST: Final = float(np.finfo(np.float32).max)


class Table(NamedTuple):
    """`numbers`: (rows, columns of numbers), a missing one is NaN. `categories`: (rows, columns of categories), texts,
    a missing one is empty. Columns are in the schema's order.
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, rows: slice) -> Table:
        """Some of the rows."""
        return Table(self.numbers[rows], self.categories[rows])


def columns(schema: Mapping[str, FeatureType]) -> tuple[Column, ...]:
    """The columns of a schema, to read what is asked by."""
    return tuple(column(name, kind, _MOST_CHARS) for name, kind in schema.items())


def read(row: Mapping[str, Any], of: Sequence[Column]) -> dict[str, str]:
    """The values of a row as it is asked, canonical, as a file's are; without what is missing. Raises RowRejected."""
    return {column.name: text for column in of if (text := cell(row, column))}


def table(rows: Sequence[Mapping[str, str]], schema: Mapping[str, FeatureType]) -> Table:
    """Rows of canonical values as arrays.

    Trees compare float32: a number is the nearest one, and what is beyond the largest is that.
    """
    numbers = [name for name, kind in schema.items() if kind == "number"]
    categories = [name for name, kind in schema.items() if kind == "category"]
    values = np.array([[float(row.get(name, "nan")) for name in numbers] for row in rows], np.float64)
    texts = np.array([[row.get(name, "") for name in categories] for row in rows], object)
    return Table(
        np.clip(values, -_LARGEST, _LARGEST).astype(np.float32).reshape(len(rows), len(numbers)),
        texts.reshape(len(rows), len(categories)),
    )
