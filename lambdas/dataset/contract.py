"""The record contract of an epoch: by the settings and, where these leave a table's columns open, its first file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final

import tasks
from domain.data.records import Contract
from domain.data.schema import FirstFile, Schema
from lambdas.dataset.csv_table import Item

if TYPE_CHECKING:
    from domain.settings import Settings
    from lambdas.environment import Environment

# So many rows say what a column holds, however long the file is.
_ENOUGH_ROWS: Final = 100_000


def contract_in_force(env: Environment) -> Contract | None:
    """The contract that the epoch's files are read by; None if its first file has yet to say what the columns are."""
    if not _is_left_open(env.settings):
        return contract_of(env.settings)
    schema = schema_in_force(env)
    return contract_of(env.settings, schema) if schema else None


def schema_in_force(env: Environment) -> Schema | None:
    """What the epoch's first file said of the columns, if the settings leave that to it and there was one."""
    frozen = env.ledger.schema(env.settings.data.epoch) if _is_left_open(env.settings) else None
    return Schema.of(frozen) if frozen else None


def columns_asked(settings: Settings) -> list[str]:
    """The columns that the settings name, each once: what a first file must have."""
    data = settings.data
    named = [*(data.features or data.types or ()), data.label, data.group, data.slice]
    return list(dict.fromkeys(name for name in named if name))


def schema_by(rows: Iterable[tuple[int, Item]], settings: Settings) -> Schema:
    """What the rows of a first file say of its columns. Raises FileRejected."""
    first = FirstFile(settings.data)
    for row in islice((item for _, item in rows if isinstance(item, dict)), _ENOUGH_ROWS):
        first.see(row)
    return first.schema()


def contract_of(settings: Settings, schema: Schema | None = None) -> Contract:
    """The contract that the settings freeze, with the columns of `schema` where they leave those open.

    Raises ValueError if they leave them open and there is no schema.
    """
    data = settings.data
    if schema:
        data = data.model_copy(update={"features": tuple(schema.types), "types": dict(schema.types)})
    features = tasks.row(settings.task).columns(data)
    if features is None:
        raise ValueError("the first file has yet to say what the columns are")
    return Contract(
        features=features,
        label=data.label,
        group=data.group,
        test_percent=data.test_percent,
        validation_percent=data.validation_percent,
        slice=data.slice,
        labels=None if data.labels is None else frozenset(data.labels),
        kind=tasks.kind(settings.task),
        closed=bool(schema and schema.closed),
        words=schema.words if schema else frozenset(),
    )


def _is_left_open(settings: Settings) -> bool:
    return tasks.row(settings.task).columns(settings.data) is None
