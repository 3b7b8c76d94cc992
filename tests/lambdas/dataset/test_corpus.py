"""Each file of the corpus through the real Prepare: none that is wholly bad is trained on, no good row is lost."""

from __future__ import annotations

import ast
import io
import json
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeGuard

import pytest

from domain import layout
from domain.data.dataset import Source
from domain.data.records import FileRejected
from lambdas.dataset.reading import read_rows
from lambdas.steps import prepare
from lambdas.storage import landed
from stacks.paths import ROOT
from tests.corpus import CORPORA
from tests.corpus.dropped import Corpus, Dropped
from tests.corpus.text import TEXT
from tests.lambdas.project import Project

# What a person is to do stands at a reason's end, or behind a question.
DO = re.compile(
    r"[:?] (add|check|compress|copy|delete|drop|export|give|keep|let|make|name|pack|put|quote|remove|rename|save"
    r"|say|see|separate|shorten|split|take|unpack|write|zip)\b",
    re.IGNORECASE,
)


def files_of(files: Callable[[Corpus], tuple[Dropped, ...]]) -> pytest.MarkDecorator:
    """Run a test with each of these files of each corpus."""
    cases = [
        pytest.param(
            corpus,
            dropped,
            id=f"{corpus.task}: {dropped.name}",
            marks=() if corpus is TEXT else pytest.mark.of_other_tasks,
        )
        for corpus in CORPORA.values()
        for dropped in files(corpus)
    ]
    return pytest.mark.parametrize(("corpus", "dropped"), cases)


def prepared(project: Project, corpus: Corpus, dropped: Dropped) -> tuple[Source, dict[str, Any]]:
    """The file's source and Prepare's answer, once it has landed alone."""
    project.configure(corpus.task, data={**corpus.data, **dropped.data})
    if dropped.frozen:
        project.env.ledger.freeze_schema(1, dropped.frozen.to_json())
    project.drop(dropped.name, dropped.make())
    (source,) = landed(project.env)
    return source, prepare.handler({"execution": project.claim(), "reason": "drop", "from": "Settle"}, None)


def quarantined(project: Project, source: Source) -> list[dict[str, Any]]:
    key = layout.quarantine(source.source)
    return [json.loads(line) for line in project.read(key).splitlines()] if key in project.listed() else []


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_there_are_enough_of_them(corpus: Corpus) -> None:
    names = [dropped.name for dropped in (*corpus.wholly_bad, *corpus.partly_bad)]
    assert len(set(names)) == len(names) >= 40


@files_of(lambda corpus: corpus.wholly_bad)
def test_a_wholly_bad_file_costs_no_training_job_and_has_its_reason(
    project: Project, corpus: Corpus, dropped: Dropped
) -> None:
    source, answer = prepared(project, corpus, dropped)
    assert (answer["outcome"], answer["job"], project.env.ledger.runs()) == ("nothing_new", None, [])
    assert project.listed(layout.DATASETS) == [layout.part_report(1, source.source)]
    *rows, last = quarantined(project, source)
    assert (last["rule"], last["line"]) == (dropped.rule, None)
    assert dropped.words in last["reason"]
    assert [entry["reason"] for entry in (*rows, last) if not DO.search(entry["reason"])] == []
    (hold,) = project.env.ledger.held().values()
    assert hold.source == source
    messages = project.notifications()
    told = [message for message in messages if source.key in message["Message"]]
    # What an earlier file said of the columns is told as well.
    assert (len(told), len(messages)) == (1, 2 if dropped.frozen else 1)
    assert last["reason"] in hold.reason
    assert last["reason"] in told[0]["Message"]


@files_of(lambda corpus: corpus.partly_bad)
def test_no_good_row_of_a_partly_bad_file_is_lost(project: Project, corpus: Corpus, dropped: Dropped) -> None:
    source, answer = prepared(project, corpus, dropped)
    assert answer["outcome"] == "train"
    parts = [project.read(layout.part(1, split, source.source)).decode().splitlines() for split in layout.SPLITS]
    rows = [json.loads(line) for part in parts for line in part]
    assert sorted((corpus.shown(row), row["label"]) for row in rows) == sorted(dropped.good)
    report = project.json(layout.part_report(1, source.source))
    assert (sum(report["rows"].values()), report["rules"]) == (len(dropped.good), dropped.rejected)
    bad = quarantined(project, source)
    assert Counter(entry["rule"] for entry in bad) == dropped.rejected
    assert all(entry["line"] and entry["reason"] and len(entry["excerpt"]) <= 200 for entry in bad)
    unanswered = {entry["rule"] for entry in bad if not DO.search(entry["reason"])}
    assert unanswered <= {"header-again"}, "with which nothing is wrong"
    assert project.env.ledger.held() == {}


def test_each_rule_is_broken_by_some_file() -> None:
    """So that what is said to whoever breaks it was looked at above."""
    files = [dropped for corpus in CORPORA.values() for dropped in (*corpus.wholly_bad, *corpus.partly_bad)]
    broken = {rule for dropped in files for rule in (dropped.rule, *dropped.rejected)}
    assert rules() - broken == set()


def rules() -> set[str]:
    """The rules that the code rejects by, where it names one."""
    paths = [path for folder in ("domain/data", "lambdas/dataset", "tasks") for path in (ROOT / folder).rglob("*.py")]
    calls = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))) if is_rejection(node)]
    return {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}


def is_rejection(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"FileRejected", "PictureRefused", "RowRejected"}
    )


HUGE = [dropped for dropped in TEXT.wholly_bad if dropped.rule in ("bomb", "row-too-long")]


@pytest.mark.parametrize("dropped", HUGE, ids=lambda dropped: dropped.name)
def test_what_unpacks_to_hundreds_of_megabytes_is_never_in_memory(dropped: Dropped) -> None:
    body = io.BytesIO(dropped.make())
    tracemalloc.start()
    with pytest.raises(FileRejected):
        sum(1 for _ in read_rows(dropped.name, body, ["text", "label"]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150_000_000
