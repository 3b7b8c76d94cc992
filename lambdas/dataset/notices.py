"""What a person should know of files that are used, said once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from domain.explain import first_of
from domain.layout import digest
from domain.printable import printable
from lambdas.dataset.parts import Report
from lambdas.environment import Environment, now
from lambdas.notify import notify

_REMEMBER: Final = timedelta(days=90)
_ADVICE: Final = (
    "If that is not meant: mend the header and drop the file again; of a first file's columns, name in data.features "
    "and data.types what is meant, and raise data.epoch."
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
    message = f"{first_of(list(news.values()), chr(10))}\n{_ADVICE}"
    notify(env, f"{env.project}: how columns were taken", message)
    # Marked after publishing: killed in between, a person hears twice rather than never.
    for marker in news:
        env.ledger.mark(marker, int((now() + _REMEMBER).timestamp()))
