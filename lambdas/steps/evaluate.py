"""Evaluate: candidate and champion answer the same held-out rows, the gate decides, the receipt says why.

What is judged here is byte for byte what Redeploy serves: the archive is hashed and written below released/, where no
training job can write, and asked through the serving predictor. What was found is an item that only Evaluate writes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import tasks
from domain import layout
from domain.data.records import Row
from domain.errors import NotRegistered
from domain.gate import decision as gate
from domain.gate.types import Decision, JudgedRow, Value
from domain.golden_rows import Golden, choose, choose_numbers
from domain.messages import Evaluated, EvaluateStep
from domain.metrics import of_decision
from domain.state import AWAITING, Champion, Judgement, Run
from lambdas.dataset.heldout_rows import counting, drawn, test_rows
from lambdas.dataset.shelf import Shelf
from lambdas.environment import Environment
from lambdas.model import archives, registry
from lambdas.model.answers import Answer, answers, fetched, given_before, sealed
from lambdas.model.receipt import receipt
from lambdas.storage import read_version, write_json
from lambdas.telemetry import emit, logger


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """The gate's verdict on `event["artifact"]`.

    Raises Superseded, ModelUnreadable, and NotRegistered where a person is to approve what the registry has not got.
    """
    step, env = EvaluateStep.read(event), Environment.read()
    env.ledger.require_claim(step.execution)
    run = env.ledger.require_run(step.run)
    version = read_version(env, run.epoch, run.dataset)
    live = env.ledger.champion()
    champion = _comparable(live, run.epoch)
    rows = counting(drawn(env, lambda: test_rows(env, version), env.settings.gate.max_test_rows, Shelf()), version)
    # Hashed, kept for serving, and asked: all of it the same bytes on this disk, whatever lies at the URI by then.
    with fetched(env, run.run, step.artifact) as model:
        seal, artifact = model.seal, sealed(env, run, step.artifact, model)
        candidate = answers(env, run.run, artifact, rows.values(), model)
    kind, measures = tasks.kind(env.settings.task), tasks.measures(env.settings.task)
    judged = _judged(env, rows, candidate, champion)
    decision = gate.decide(judged, env.settings.gate, seed=run.dataset, kind=kind, measures=measures)
    features = tuple(version.schema or env.settings.data.features or ())
    write_json(env, layout.run_file(run.run, "golden.json"), _golden(env, features, rows, candidate))
    waits = decision.verdict == "promote" and env.settings.gate.approval == "manual"
    run = replace(
        run,
        artifact=artifact,
        champion_version=live.version if live else 0,
        judged=decision.verdict,
        sentence=decision.sentence,
    )
    page = receipt(env, run, version, step.job, decision, champion, looks=_looks(env, run))
    write_json(env, layout.run_file(run.run, "receipt.json"), page)
    judgement = Judgement(run.run, run.dataset, run.epoch, seal, decision.verdict, run.champion_version, waits=waits)
    run, judgement = _registered(env, run, judgement, decision)
    env.ledger.record(step.execution, run, judgement)
    emit(of_decision(decision, measures))
    logger().info(decision.sentence, extra={"run": run.run, "verdict": decision.verdict, "archive": seal.archive})
    if waits:
        passed = replace(run, verdict=AWAITING, sentence=decision.sentence.replace("Promoted:", "Passed:", 1))
        env.ledger.conclude(passed, step.execution)
        return Evaluated(verdict=AWAITING).to_payload()
    return Evaluated(verdict=decision.verdict).to_payload()


def _registered(env: Environment, run: Run, judgement: Judgement, decision: Decision) -> tuple[Run, Judgement]:
    """Both with the version in the registry. One that was registered by an earlier try is not registered again.

    The registry keeps the books: a run that needs nobody's approval goes on without it, and says so when it ends.
    Raises NotRegistered for one that waits for a person, who approves there.
    """
    known = env.ledger.judgements.of(run.run)
    if known and known.package and _same(known, judgement):
        return replace(run, package=known.package), replace(judgement, package=known.package)
    passed = registry.PENDING if judgement.waits else registry.APPROVED
    status = passed if decision.verdict == "promote" else registry.REJECTED
    try:
        package = registry.register(env, run, judgement, decision, status)
    except NotRegistered as error:
        if judgement.waits:
            raise
        logger().warning("Not in the model registry", extra={"run": run.run, "why": str(error)})
        return replace(run, unregistered=str(error)[:1000]), judgement
    return replace(run, package=package, unregistered=None), replace(judgement, package=package)


def _same(one: Judgement, other: Judgement) -> bool:
    """Whether two judgements are of the same archive, beside the same champion."""
    return (one.seal, one.champion_version) == (other.seal, other.champion_version)


def _comparable(champion: Champion | None, epoch: int) -> Champion | None:
    # Models of different epochs were held out from different rows: comparing them would flatter one.
    return champion if champion and champion.epoch == epoch else None


def _golden(
    env: Environment, features: tuple[str, ...], rows: dict[str, Row], answers: dict[str, Answer]
) -> list[Golden]:
    ask, kind = tasks.row(env.settings.task).asked, tasks.kind(env.settings.task)
    asked = ((ask(row.features, features), row) for row in rows.values())
    if kind == "regression":
        return choose_numbers((inputs, *answers[row.id]) for inputs, row in asked)
    return choose((inputs, row.label, *answers[row.id]) for inputs, row in asked)


def _judged(
    env: Environment, rows: dict[str, Row], candidate: dict[str, Answer], champion: Champion | None
) -> list[JudgedRow]:
    numbers = tasks.kind(env.settings.task) == "regression"

    def truth(row: Row) -> Value:
        return float(row.label) if numbers else row.label

    def said(answer: Answer) -> Value:
        return answer.score if numbers else answer.label

    if champion is None:
        return [
            JudgedRow(row.id, truth(row), said(candidate[row.id]), None, False, slice=row.slice)
            for row in rows.values()
        ]
    theirs = answers(env, champion.run, archives.place(env, champion), rows.values())
    before = read_version(env, champion.epoch, champion.dataset)
    # No more of them than is judged, and nothing but what they were called: the others need not fit in memory.
    found = (row._replace(features={}) for row in test_rows(env, before) if row.id in rows)
    old = counting({row.id: row for row in found}, before)
    first = _first_answers(env, champion)
    return [
        JudgedRow(
            id=row.id,
            label=truth(old.get(row.id, row)),
            candidate=said(candidate[row.id]),
            champion=said(theirs[row.id]),
            held_out_before=row.id in old,
            anchor=said(first[row.id]) if row.id in first else None,
            slice=old.get(row.id, row).slice,
        )
        for row in rows.values()
    ]


def _first_answers(env: Environment, champion: Champion) -> dict[str, Answer]:
    """What the epoch's first champion answered in its time, if it is not the one that is live."""
    anchor = env.ledger.anchor(champion.epoch)
    if anchor is None or anchor.run == champion.run:
        return {}
    return given_before(env, anchor.run, archives.place(env, anchor))


def _looks(env: Environment, run: Run) -> int:
    """How many candidates of the epoch were judged on its held-out rows, this one included: each may get lucky."""
    return len({run.run} | {other.run for other in env.ledger.runs() if other.judged and other.epoch == run.epoch})
