"""What Claim, Release and Reconcile promise, whatever comes between their steps.

No two executions are between Claim and Release. Nobody starts a run on what a dead execution left live. Whenever all
has come to rest the claim is free, every file and request is concluded and every broken execution was told of; where
an event itself was lost, the sweep makes it good.
"""

from __future__ import annotations

from domain import layout
from tests.explorer.machine import Machine
from tests.explorer.world import Event, World

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
    if any(kind in ("request", "approval") for kind, _ in world.items):
        wrong.append("a request is unanswered")
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
