"""Screen: the champion reads a sample of each new file; one whose labels it cannot make sense of is held, untrained."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import tasks
from domain import layout
from domain.data.dataset import Source, Version, holds_for
from domain.data.records import Row
from domain.gate.screen import MIN_ROWS, Finding, Sample, rows_of_each, screen, sentence, told, usual_error
from domain.messages import RunStep, Screened
from domain.state import Champion, Run, Seal
from lambdas.dataset.heldout_rows import counting, drawn, part_rows, test_rows
from lambdas.dataset.shelf import Shelf
from lambdas.environment import Environment
from lambdas.model import archives
from lambdas.model.answers import answers
from lambdas.storage import read_version, write_json
from lambdas.telemetry import logger


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """`held` if the run ends here because of at least one file, else `passed`. Raises Superseded, ModelUnreadable."""
    step, env = RunStep.read(event), Environment.read()
    env.ledger.require_claim(step.execution)
    run = env.ledger.require_run(step.run)
    champion = env.ledger.champion()
    # Without a model of the same epoch there is nobody to ask; nor is one that an earlier release left unsealed.
    seal = env.ledger.judgements.seal(champion) if champion else None
    if not env.settings.screen.enabled or champion is None or champion.epoch != run.epoch or seal is None:
        return Screened(outcome="passed").to_payload()
    judged, accepted = read_version(env, run.epoch, run.dataset), read_version(env, champion.epoch, champion.dataset)
    vouched, known = env.ledger.vouched(), {source.source for source in accepted.sources}
    new = [source for source in judged.sources if source.source not in known | vouched]
    if not new:
        return Screened(outcome="passed").to_payload()
    reference, findings = _ask(env, champion, seal, accepted, judged, new)
    page = {"champion": champion.run, "reference": asdict(reference), "findings": [one.to_json() for one in findings]}
    write_json(env, layout.run_file(run.run, "screen.json"), page)
    held = [found for found in findings if found.held]
    if not held:
        return Screened(outcome="passed").to_payload()
    _hold(env, run, held, reference, new, accepted)
    return Screened(outcome="held").to_payload()


def _ask(
    env: Environment, champion: Champion, seal: Seal, accepted: Version, judged: Version, new: list[Source]
) -> tuple[Sample, list[Finding]]:
    """The champion's disagreement on its own held-out rows, and on each new source that has rows enough to tell."""
    shelf, most_held_out = Shelf(), env.settings.gate.max_test_rows
    held_out = counting(drawn(env, lambda: test_rows(env, accepted), most_held_out, shelf), accepted)
    most = rows_of_each(len(new), env.settings.screen)

    def of_source(source: Source) -> dict[str, Row]:
        return drawn(env, lambda: part_rows(env, champion.epoch, "train", source), most, shelf, least=MIN_ROWS)

    parts = {source.source: counting(of_source(source), judged) for source in new}
    # What is too short to be tested need not be read.
    parts = {name: part for name, part in parts.items() if len(part) >= MIN_ROWS}
    # Asked at once, so that the model is loaded once.
    rows = {**held_out, **{row.id: row for part in parts.values() for row in part.values()}}
    given = answers(env, champion.run, archives.uri(env, seal.archive), rows.values())

    def numbers(part: dict[str, Row]) -> list[tuple[float, float]]:
        return [(float(row.label), given[row.id].score) for row in part.values()]

    usual = usual_error(numbers(held_out)) if tasks.kind(env.settings.task) == "regression" else None

    def heard(part: dict[str, Row]) -> Sample:
        if usual is not None:
            return Sample.of_numbers(numbers(part), usual)
        return Sample.of(((row.label, given[row.id].label) for row in part.values()), accepted.labels)

    reference = heard(held_out)
    return reference, screen(reference, {name: heard(part) for name, part in parts.items()}, env.settings.screen)


def _hold(
    env: Environment, run: Run, held: list[Finding], reference: Sample, new: list[Source], accepted: Version
) -> None:
    """Hold the sources and conclude the run: what is left of the drop is another dataset, which Release finds."""
    named = {source.source: source for source in new}
    said = sentence([(named[found.source].key, found) for found in held], reference)
    holds = []
    for found in held:
        source = named[found.source]
        # Its own reason alone: with thousands of files in one drop, each hold would tell of all of them.
        why = f"Screened out before training: {told(source.key, found)}"
        holds += holds_for(run.run, why, run.epoch, [source], accepted.sources)
    env.ledger.conclude(replace(run, verdict="screened", sentence=said), run.execution, holds)
    logger().warning(said, extra={"run": run.run})
