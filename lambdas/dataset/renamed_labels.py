"""A file that was overwritten with all of its labels renamed: told the way, instead of trained and rejected each time.

The gate judges by the labels that the champion's held-out rows had. A model of the same rows under other names is wrong
on every one of them, whoever trains it and however often. Names belong to the epoch, as columns do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import tasks
from domain import layout
from domain.data.dataset import Source, Version
from domain.explain import first_of
from domain.printable import brief
from lambdas.dataset.parts import Report
from lambdas.environment import Environment
from lambdas.storage import read_text_lines, read_version

# A new batch under an old name has other rows; a list with its labels renamed has the same ones, give or take some.
_SAME_ROWS: Final = 0.5


def renamed(env: Environment, landing: list[Source], reports: Mapping[str, Report]) -> dict[str, Report]:
    """The reports of landed files that are the champion's under other names, as those of files that cannot be used.

    One that a person vouched for is left alone. A new epoch takes such a file in.
    """
    champion, epoch = env.ledger.champion(), env.settings.data.epoch
    if champion is None or champion.epoch != epoch or tasks.kind(env.settings.task) != "classification":
        return {}
    accepted = read_version(env, epoch, champion.dataset)
    before = {source.key: source for source in accepted.sources}
    vouched = env.ledger.vouched()
    found = {}
    for source in landing:
        report, old = reports.get(source.source), before.get(source.key)
        if report is None or report.error or old is None or old == source or source.source in vouched:
            continue
        if _has_only_new_labels(report, accepted) and _has_the_same_rows(env, source, old):
            found[source.source] = replace(report, error=_why(report, accepted, epoch), again="vouch")
    return found


def _has_only_new_labels(report: Report, accepted: Version) -> bool:
    return not report.labels.keys() & {*accepted.labels, *accepted.set_aside}


def _has_the_same_rows(env: Environment, new: Source, old: Source) -> bool:
    """Whether half of the held-out rows are the same, by the shorter list: they stand for all rows of a file."""
    now, before = _test_ids(env, new), _test_ids(env, old)
    shorter = min(len(now), len(before))
    return shorter > 0 and len(now & before) >= _SAME_ROWS * shorter


def _test_ids(env: Environment, source: Source) -> set[str]:
    return set(read_text_lines(env, layout.test_ids(env.settings.data.epoch, source.source)))


def _why(report: Report, accepted: Version, epoch: int) -> str:
    now, before = (
        first_of([repr(brief(label)) for label in sorted(labels)], ", ") for labels in (report.labels, accepted.labels)
    )
    return (
        f"its rows are those of the live model's version of it, and its labels are all new: {now} instead of {before}. "
        f"Models of other labels are not compared: set data.epoch to {epoch + 1} to start over with the new names. If "
        "it is meant as it is, beside what has the old names: mlops release FILE"
    )
