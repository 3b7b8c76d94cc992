"""What Claim, Release and Reconcile promise, whatever comes between their steps.

No two executions are between Claim and Release. Nobody starts a run on what a dead execution left live. Whenever all
has come to rest the claim is free, every file and request is concluded and every broken execution was told of; where
an event itself was lost, the sweep makes it good.

Of two orders about one champion at most one moves it. At rest each is concluded: its model is the champion, or a person
was told why not; and what is live is the champion.
"""

from __future__ import annotations

import json
from typing import Any

from domain import layout
from ledger import keys
from tests.explorer.champions import VERSION
from tests.explorer.machine import Machine
from tests.explorer.world import Event, World
from tests.stacks.synth import PROJECT

# Each execution starts one at most, so a storm would show as ever more of them.
_MOST_EXECUTIONS = 40


class Violation(Exception):
    """A promise is broken; the message lists the steps that lead there."""


def check(world: World, machine: Machine) -> None:
    """What must hold at any time. Raises Violation."""
    if len(world.executions) > _MOST_EXECUTIONS:
        raise Violation(f"a storm: {len(world.executions)} executions")
    inside = [name for name, execution in world.executions.items() if execution.is_inside]
    strangers = [name for name in inside if machine.execution_arn(name) != world.holder]
    if strangers:
        raise Violation(f"between Claim and Release without the claim: {strangers}, of {inside}")
    at_settle = [name for name in inside if world.executions[name].at.state == "Settle"]  # type: ignore[union-attr]
    if world.given and int(_item(world, keys.CHAMPION, keys.CHAMPION)["version"]["N"]) > VERSION + 1:
        raise Violation("the champion moved more than once")
    if world.dirty and at_settle:
        raise Violation(f"{at_settle} starts a run on what a dead execution left live")


def at_rest(world: World, epoch: int) -> World | None:
    """What must hold when nothing more happens by itself; the world with the sweep, if that is what is needed.

    Raises Violation.
    """
    wrong = []
    if world.holder:
        wrong.append(f"the claim is held by {world.holder}")
    if not _concluded(world, epoch):
        wrong.append("a file is unprocessed")
    if any(kind in (keys.REQUEST, keys.APPROVAL, keys.ORDER) for kind, _ in world.items):
        wrong.append("a request is unanswered")
    wrong += _orders(world)
    if world.dirty:
        wrong.append("nobody has looked at what a dead execution left live")
    if not wrong:
        broken = {name for name, execution in world.executions.items() if execution.status in ("FAILED", "ABORTED")}
        if broken - world.told and not world.lost:
            raise Violation(f"nobody was told of {sorted(broken - world.told)}")
        return None
    if world.swept or not world.lost:
        raise Violation("; ".join(wrong))
    swept = world.copy()
    swept.faults, swept.swept = 0, True
    swept.send(Event("dropped", "sweep"))
    return swept


def _concluded(world: World, epoch: int) -> bool:
    sources = [(item["LastModified"], item["Key"], item["ETag"]) for item in world.landing()]
    ids = [layout.source_id(key, tag) for _, key, tag in sorted(sources)]
    return ("dataset", layout.dataset_id(epoch, ids)) in world.items


def _orders(world: World) -> list[str]:
    """What is wrong with the orders that were given, and with what is live."""
    if not world.given:
        return []
    champion, wrong = _item(world, keys.CHAMPION, keys.CHAMPION)["run"]["S"], []
    live = {layout.deployed_run(PROJECT, config) for config in world.served.values()}
    if live != {champion}:
        wrong.append(f"live is {sorted(map(str, live))}, and the champion is {champion}")
    for kind, name in world.items:
        run = _item(world, kind, name) if kind == keys.RUN else {}
        if "S" not in run.get("makes_live", {}):
            continue
        verdict, model = run["verdict"].get("S"), run["makes_live"]["S"]
        if verdict not in ("restored", "promote", "gave-up") or (verdict != "gave-up" and model != champion):
            wrong.append(f"the order of {model} ended as {verdict}, and {champion} is live")
        if verdict == "gave-up" and not world.told:
            wrong.append(f"nobody was told why {model} did not go live")
    return wrong


def _item(world: World, kind: str, name: str) -> dict[str, Any]:
    """An item of the ledger as DynamoDB's typed JSON."""
    found: dict[str, Any] = json.loads(world.items[kind, name])
    return found
