"""What a person should know of files that are used, said once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from domain.explain import first_of
from domain.layout import digest
from domain.printable import printable
from lambdas.dataset.contract import schema_in_force
from lambdas.dataset.parts import Report
from lambdas.environment import Environment, now
from lambdas.notify import notify

_REMEMBER: Final = timedelta(days=90)
# An epoch begins once.
_FOR_GOOD: Final = timedelta(days=3650)
_COLUMNS: Final = (
    "If that is not meant: name the columns in data.features, or what one holds in data.types, and raise data.epoch."
)


def tell_notices(env: Environment, reports: Iterable[Report]) -> None:
    """Tell a person what was noticed about files while they were read, unless that was said of the same key before."""
    markers = {
        f"notice/{digest([report.key, report.notices])}": printable(
            f"{report.key} is used: {'; '.join(report.notices)}."
        )
        for report in reports
        if report.notices and not report.error
    }
    news = {marker: said for marker, said in markers.items() if not env.ledger.is_marked(marker)}
    if not news:
        return
    message = first_of(list(news.values()), "\n") + "\nIf that is not meant: mend the header and drop the file again."
    subject = f"{env.project}: columns were taken for others"
    notify(env, subject, message)
    # Marked after publishing: killed in between, a person hears twice rather than never.
    for marker in news:
        env.ledger.mark(marker, int((now() + _REMEMBER).timestamp()))


def tell_schema(env: Environment) -> None:
    """Tell a person what the epoch's first file said of a table's columns, once."""
    schema, marker = schema_in_force(env), f"schema/{env.settings.data.epoch}"
    if schema is None or env.ledger.is_marked(marker):
        return
    said = "\n".join(f"{printable(notice)}." for notice in schema.notices)
    notify(env, f"{env.project}: the first file said what the columns are", f"{said}\n{_COLUMNS}")
    env.ledger.mark(marker, int((now() + _FOR_GOOD).timestamp()))
