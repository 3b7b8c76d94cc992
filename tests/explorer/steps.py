"""What may come next in a world: a call, an answer, an event, a file, or a fault; and where each leads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from domain import layout
from domain.messages import Start
from domain.state import Order
from ledger import keys
from ledger.orders import item_of
from tests.explorer.functions import NOW, Call, Functions, Returned
from tests.explorer.machine import At, Ended, Machine
from tests.explorer.table import apply
from tests.explorer.world import Event, Execution, Invocation, World, is_private, perform, start, waits

KILLED = Returned("null", "Lambda.Unknown", "the function was killed")
IN_SERVICE = Returned(json.dumps({"EndpointStatus": "InService"}))
NOT_FOUND = Returned("null", "SageMaker.SageMakerException", "Could not find endpoint")


class Step(NamedTuple):
    """One step that may come next, and where it leads."""

    label: str
    world: World
    is_fault: bool = False


@dataclass(frozen=True)
class Story:
    """What is explored: the files in the order they are dropped (key and content), the first one at the beginning;
    how many faults may happen, of which kinds; whether a function's calls are interleaved, or it runs in one go; what a
    person orders, in that order, beside models that are live and were (`champions.py`)."""

    files: tuple[tuple[str, bytes], ...]
    faults: int = 0
    kinds: tuple[str, ...] = ("kill", "abort", "repeat", "lose")
    by_call: bool = True
    orders: tuple[Order, ...] = ()


class Steps:
    """The steps of one story."""

    def __init__(self, machine: Machine, functions: Functions, story: Story) -> None:
        self._machine, self._functions, self._story = machine, functions, story

    def after(self, world: World) -> Iterator[Step]:
        """Every step that may come next."""
        alike = set()
        for name, execution in world.executions.items():
            # Executions that have not begun and say the same are interchangeable: the first one stands for them.
            if execution.at is not None and execution._replace(node=None) not in alike:
                yield from self._of_execution(world, name, execution)
            if execution.at and execution.at.state == "Claim" and self._is_fresh(execution):
                alike.add(execution._replace(node=None))
        for index in range(len(world.invocations)):
            yield from self._of_invocation(world, index)
        for event in sorted(set(world.events)):
            yield from self._of_event(world, event)
        if world.files < len(self._story.files):
            after = world.copy()
            self.drop(after)
            yield Step(f"{self._story.files[world.files][0]} is dropped", after)
        if world.given < len(self._story.orders):
            after = world.copy()
            self._give(after)
            yield Step(f"a {self._story.orders[world.given].kind} is ordered", after)

    def drop(self, world: World) -> None:
        """The next file of the story comes."""
        key, body = self._story.files[world.files]
        world.put(key, body, NOW - timedelta(days=1) + timedelta(seconds=world.files))
        world.files += 1
        world.send(Event("dropped", "file"))
        # Its parts are derived now: that concerns nobody else, and would be done again at each look at Prepare.
        tag, at, _ = world.objects[key]
        node = self._functions.invoke("derive", json.dumps({"key": key, "etag": tag, "at": at}))
        while isinstance(asked := self._functions.outcome(node), Call):
            node = self._functions.proceed(node, perform(world, asked, self._machine))
        assert not asked.error, asked

    def _give(self, world: World) -> None:
        """A person's command notes the next order; the start that it then asks for may be late, or lost with it."""
        order = self._story.orders[world.given]
        apply(world.items, "put_item", {"Item": item_of(order)})
        world.given += 1
        world.send(Event("ordered", order.order))

    def _of_execution(self, world: World, name: str, execution: Execution) -> Iterator[Step]:
        assert execution.at is not None
        label, after = f"{name}: {execution.at.state}", world.copy()
        if execution.node is not None and isinstance(returned := self._functions.outcome(execution.node), Returned):
            self._answer(after, name, execution, returned)
            yield Step(f"{label} is answered", after)
        elif not self._waits(world, execution):
            *_, (after, node) = self._come_so_far(after, name, execution)
            self._answer_if(after, name, execution._replace(node=node))
            said = self._functions.outcome(execution.node) if execution.node is not None else None
            yield Step(f"{label} asks {_words(said)}" if isinstance(said, Call) else f"{label} runs", after)
        if world.faults:
            yield from self._faults(world, name, execution, label)

    def _waits(self, world: World, execution: Execution) -> bool:
        asked = self._functions.outcome(execution.node) if execution.node is not None else None
        return isinstance(asked, Call) and waits(world, asked)

    def _is_fresh(self, execution: Execution) -> bool:
        """Whether the task that it is at has seen nothing of the world yet."""
        untried = execution.at is not None and not execution.at.tries
        return untried and (execution.node is None or self._functions.is_fresh(execution.node))

    def _faults(self, world: World, name: str, execution: Execution, label: str) -> Iterator[Step]:
        """Ends of an execution's function, and of the execution, before their time."""
        for number, (after, node) in enumerate(self._come_so_far(self._fault(world), name, execution)):
            if number and self._story.by_call and isinstance(self._functions.outcome(node), Call):
                break  # that is where the next step begins
            if "kill" in self._story.kinds:
                for last in (False, True):
                    killed = after.copy()
                    _turns_are_over(killed)
                    self._answer(killed, name, execution, KILLED, last=last)
                    yield Step(f"{label} is killed{' for good' if last else ''}", killed, True)
            if "abort" in self._story.kinds:
                aborted = after.copy()
                self._end(aborted, name, execution, Ended("ABORTED"))
                # Step Functions stops waiting, but nothing stops the function.
                aborted.invocations = (*after.invocations, Invocation(node, None))
                yield Step(f"{label} is aborted", aborted, True)
        if "abort" in self._story.kinds and self._is_fresh(execution):
            aborted = self._fault(world)
            self._end(aborted, name, execution, Ended("ABORTED"))
            yield Step(f"{label} is aborted before it begins", aborted, True)

    def _come_so_far(self, world: World, name: str, execution: Execution) -> Iterator[tuple[World, int]]:
        """How far a function may come: not at all, and after its next call (each call, where it runs in one go)."""
        assert execution.at is not None
        node = execution.node
        if node is None:
            asked = self._machine.asks(name, execution.at)
            node = self._eagerly(world, self._functions.invoke(asked.function, asked.message))
        yield from self._prefixes(world, node)

    def _prefixes(self, world: World, node: int) -> Iterator[tuple[World, int]]:
        yield world, node
        while isinstance(call := self._functions.outcome(node), Call) and not waits(world, call):
            world = world.copy()
            node = self._eagerly(world, self._functions.proceed(node, perform(world, call, self._machine)))
            yield world, node
            if self._story.by_call:
                return

    def _of_invocation(self, world: World, index: int) -> Iterator[Step]:
        invocation = world.invocations[index]
        others = (*world.invocations[:index], *world.invocations[index + 1 :])
        asked, about = self._functions.outcome(invocation.node), invocation.event
        label = f"Reconcile of {about.about}" if about else f"the orphaned {self._functions.name(invocation.node)}"
        after = world.copy()
        if isinstance(asked, Call) and waits(world, asked):
            return
        if isinstance(asked, Call):
            node = self._proceed(after, invocation.node)
            after.invocations = (*others, invocation._replace(node=node))
            # A Claim that outlives its aborted execution takes the claim when Reconcile may have looked already.
            # So may a Redeploy change what is live when all has been made good.
            late = after.holder not in ("", world.holder) or after.served != world.served
            after.lost = after.lost or (not about and late)
            yield Step(f"{label} asks {_words(asked)}", after)
        else:
            after.invocations = others
            if asked.error:
                self._ended_badly(after, about)
            yield Step(f"{label} ends {asked.error}", after)
        if self._may(world, "kill"):
            for last in (False, True) if about else (False,):
                after = self._fault(world)
                after.invocations = others
                self._ended_badly(after, about._replace(tries=1) if last and about else about)
                yield Step(f"{label} is killed{' for good' if last else ''}", after, True)

    def _of_event(self, world: World, event: Event) -> Iterator[Step]:
        rest = list(world.events)
        rest.remove(event)
        after = world.copy()
        after.events = tuple(rest)
        delivered = after.copy()
        self._deliver(delivered, event)
        yield Step(f"{event.kind} {event.about} is delivered", delivered)
        if self._may(world, "kill") and event.kind == "broken" and not self._story.by_call:
            begun = self._fault(after)
            for so_far, _ in self._prefixes(begun, self._reconcile(begun, event)):
                for last in (False, True):
                    killed = so_far.copy()
                    self._ended_badly(killed, event._replace(tries=1) if last else event)
                    yield Step(f"Reconcile of {event.about} is killed{' for good' if last else ''}", killed, True)
        if self._may(world, "repeat"):
            after = self._fault(world)
            after.send(event)
            yield Step(f"{event.kind} {event.about} is repeated", after, True)
        if self._may(world, "lose"):
            after = self._fault(world)
            after.events, after.lost = tuple(rest), True
            yield Step(f"{event.kind} {event.about} is lost", after, True)

    def _may(self, world: World, kind: str) -> bool:
        return world.faults > 0 and kind in self._story.kinds

    def _fault(self, world: World) -> World:
        after = world.copy()
        after.faults -= 1
        return after

    def _deliver(self, world: World, event: Event) -> None:
        if event.kind == "dropped":
            world.started += 1
            message = {"reason": "sweep" if event.about == "sweep" else "drop", "from": "Settle"}
            start(world, f"execution-{world.started}", json.dumps(message), self._machine)
            return
        if event.kind == "ordered":
            (kind,) = {order.kind for order in self._story.orders if order.order == event.about}
            name = layout.execution_for_order(event.about)
            if name not in world.executions:
                start(world, name, Start.redeploy(kind, event.about).to_input(), self._machine)
            return
        node = self._reconcile(world, event)
        if not self._story.by_call:
            node = self._proceed(world, node)
        world.invocations = (*world.invocations, Invocation(node, event))

    def _reconcile(self, world: World, event: Event) -> int:
        """A new invocation of Reconcile for an event."""
        detail = {"detail": {"executionArn": self._machine.execution_arn(event.about)}}
        return self._eagerly(world, self._functions.invoke("reconcile", json.dumps(detail)))

    def _ended_badly(self, world: World, event: Event | None) -> None:
        """An invocation failed or was killed: Lambda tries its event twice more, after a minute; an orphan has none."""
        _turns_are_over(world)
        if event is None:
            return
        if event.tries > 1:
            world.send(event._replace(tries=event.tries - 1))
        else:
            world.lost = True

    def _proceed(self, world: World, node: int) -> int:
        """After the next call, or where functions run in one go, at its end, or where it waits for its turn."""
        while isinstance(asked := self._functions.outcome(node), Call) and not waits(world, asked):
            node = self._eagerly(world, self._functions.proceed(node, perform(world, asked, self._machine)))
            if self._story.by_call:
                break
        return node

    def _eagerly(self, world: World, node: int) -> int:
        """Go on while what is asked concerns nobody else."""
        while isinstance(asked := self._functions.outcome(node), Call) and is_private(world, asked):
            node = self._functions.proceed(node, perform(world, asked, self._machine))
        return node

    def _answer_if(self, world: World, name: str, execution: Execution) -> None:
        """Go on to the next state if the function has ended; the end of the execution is a step of its own."""
        assert execution.at is not None
        assert execution.node is not None
        returned = self._functions.outcome(execution.node)
        world.executions[name] = execution
        if isinstance(returned, Returned) and isinstance(self._machine.answered(name, execution.at, returned), At):
            self._answer(world, name, execution, returned)

    def _answer(self, world: World, name: str, execution: Execution, returned: Returned, *, last: bool = False) -> None:
        assert execution.at is not None
        reached = self._machine.answered(name, execution.at, returned, last)
        if isinstance(reached, At):
            looked = execution.at.state == "Verify" and execution.at.variable("stage") == "live"
            if looked and not returned.error:
                world.dirty = False
            self._arrive(world, name, execution._replace(at=reached, node=None))
        else:
            self._end(world, name, execution, reached)

    def _arrive(self, world: World, name: str, execution: Execution) -> None:
        """An execution comes to a task; its function begins, unless functions run in one go."""
        assert execution.at is not None
        world.executions[name] = execution
        function, message = self._machine.asks(name, execution.at)
        if not function:
            # The machine itself looks at the endpoint, which is at rest or not there.
            there = json.loads(message)["EndpointName"] in world.served
            self._answer(world, name, execution, IN_SERVICE if there else NOT_FOUND)
        elif self._story.by_call:
            node = self._eagerly(world, self._functions.invoke(function, message))
            self._answer_if(world, name, execution._replace(node=node))

    def _end(self, world: World, name: str, execution: Execution, ended: Ended) -> None:
        world.executions[name] = Execution(execution.message, None, None, ended._replace(output="{}"))
        if ended.status != "SUCCEEDED":
            world.send(Event("broken", name))
            # What it left live, nobody knows; one that came to Release had looked.
            at_work = execution.at is not None and execution.at.state != "Release"
            world.dirty = world.dirty or (at_work and self._machine.execution_arn(name) == world.holder)


def _turns_are_over(world: World) -> None:
    """Whoever was killed within a turn loses it in the end: who waits for it, or tries again, outlasts a turn."""
    for key, item in world.items.items():
        if key[0] == keys.MARKER:
            world.items[key] = re.sub(r'"until": {"N": "\d+"}', '"until": {"N": "0"}', item)


def _words(call: Call) -> str:
    return f"{call.operation} {call.arguments.get('Key') or call.arguments.get('Item', {}).get('pk', '')}".strip()
