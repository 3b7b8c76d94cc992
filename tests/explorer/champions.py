"""Models for stories in which a person orders one: what is live, what was before it, and what the gate kept out."""

from __future__ import annotations

import json

from domain import layout
from domain.data.dataset import Version
from domain.gate.types import Verdict
from domain.golden_rows import choose
from domain.state import Judgement, Order, Run, Seal
from lambdas.environment import Environment
from lambdas.model import hosting
from ledger.ledger import Ledger
from tests.explorer.table import Table
from tests.explorer.world import World

FORMER, LIVE, KEPT_OUT = "111111111111", "222222222222", "333333333333"
# Of the champion that the orders name; each moves it by one.
VERSION = 2
BACK = Order("0000000000aa", "rollback", FORMER, VERSION, "arn:ann", "answers are wrong", "2026-01-01T00:00:01+00:00")
PAST_THE_GATE = Order(
    "0000000000bb", "promote", KEPT_OUT, VERSION, "arn:bob", "the gate lacks rows", "2026-01-01T00:00:02+00:00"
)


def crowned(world: World) -> None:
    """Make LIVE the champion and what is live in `world`, as two drops before the story did. Within `surroundings`."""
    table, env = Table(), Environment.read()
    ledger = Ledger(table)
    ledger.claim("before", "then")
    for version, run in enumerate((FORMER, LIVE)):
        ledger.promote("before", judgement(run, version), "then")
        ledger.conclude(_concluded(run, "promote", version))
    refused = _concluded(KEPT_OUT, "reject", VERSION)
    ledger.record("before", refused, judgement(KEPT_OUT, VERSION, passed=False))
    ledger.conclude(refused)
    ledger.release("before")
    world.items = table.items
    world.served = {env.endpoint: config(env, LIVE)}
    for run in (FORMER, LIVE, KEPT_OUT):
        golden = choose((f"text {number}", "good", "good", 1.0) for number in range(20))
        world.put(layout.run_file(run, "golden.json"), json.dumps(golden).encode())
        manifest = Version(run, 1, (), {}, ()).to_json()
        world.put(layout.version(1, run, "manifest.json"), json.dumps(manifest).encode())


def _concluded(run: str, verdict: Verdict, version: int) -> Run:
    """A run of another dataset than the story's, beside the champion of that version."""
    started = f"2025-01-0{version + 1}T00:00:00+00:00"
    return Run(run, run, 1, "before", "drop", started, champion_version=version, judged=verdict, verdict=verdict)


def judgement(run: str, version: int, *, passed: bool = True) -> Judgement:
    """What the gate said of a run's model, beside the champion of that version."""
    seal = Seal(layout.digest(["archive", run], 64), layout.digest(["manifest", run], 64))
    return Judgement(run, run, 1, seal, "promote" if passed else "reject", version)


def config(env: Environment, run: str) -> str:
    """The config that serves a run's model live."""
    return hosting.config_name(env, run, judgement(run, 0).seal)
