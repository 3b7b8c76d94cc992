"""Prepare's look at the labels: what changed since the champion's version, said once per run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import tasks
from domain.data.dataset import Version
from domain.data.vocabulary import Counts, changes, sentence, sentence_aside
from domain.layout import part_report
from domain.printable import printable
from domain.state import Run
from lambdas.environment import Environment, now
from lambdas.notify import notify
from lambdas.storage import read_json, read_version

_REMEMBER: Final = timedelta(days=90)


def label_changes(env: Environment, version: Version) -> str | None:
    """What became of the labels of the champion's version, or None. Models of different epochs are never compared.

    Numbers are no labels that could be new or vanish.
    """
    if tasks.kind(env.settings.task) == "regression":
        return None
    champion, least = env.ledger.champion(), env.settings.gate.min_label_test_rows
    now, before, told = _counts(env, version), None, tuple[str, ...]()
    aside = {label: now.pop(label).rows for label in version.set_aside}
    if champion and champion.epoch == version.epoch:
        accepted = read_version(env, champion.epoch, champion.dataset)
        told = accepted.set_aside
        # What is set aside is not gone.
        before = {label: of for label, of in _counts(env, accepted).items() if label not in {*told, *aside}}
    said = [
        sentence(changes(now, before, least, env.settings.data.label), least),
        sentence_aside(aside, told, env.settings.data.min_label_rows),
    ]
    return " ".join(filter(None, said)) or None


def tell(env: Environment, run: Run) -> None:
    """Tell a person what became of the labels, unless that was done for this run."""
    marker = f"labels/{run.run}"
    if not run.labels or env.ledger.is_marked(marker):
        return
    subject = f"{env.project}: the labels changed"
    advice = "What is not meant: mend the file and drop it again, or take it back with: mlops withdraw FILE"
    notify(env, subject, f"{printable(run.labels)}\nRun {run.run} goes on to training. {advice}")
    # Marked after publishing: killed in between, a person hears twice rather than never.
    env.ledger.mark(marker, int((now() + _REMEMBER).timestamp()))


def _counts(env: Environment, version: Version) -> dict[str, Counts]:
    rows, test_rows = defaultdict[str, int](int), defaultdict[str, int](int)
    for report in _reports(env, version):
        for label, splits in report["labels"].items():
            rows[label] += sum(splits.values())
            test_rows[label] += splits.get("test", 0)
    return {label: Counts(rows[label], test_rows[label]) for label in rows}


def _reports(env: Environment, version: Version) -> Iterable[dict[str, Any]]:
    return (read_json(env, part_report(version.epoch, source.source)) for source in version.sources)
