"""The fault switch: a table of rules that says which call goes wrong, and how. Off unless the cloud is started with it.

Nothing that is deployed knows of it: the local cloud looks the table up around each call that a Lambda function, a
training job, an endpoint or the state machine makes. A person's own calls are never touched.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

ACTIONS: Final = ("error", "lose", "twice", "skip", "delay", "hold", "kill-before", "kill-after", "answer", "shift")


@dataclass(frozen=True)
class Call:
    """One call. `caller` is a step's name, "role" (a job or an endpoint), "states" or "events"; `text` is its content.

    `operation` is `service:Operation` as IAM spells it, or `lambda:<step>` and `states:start` for what AWS itself asks.
    """

    caller: str
    operation: str
    text: str = ""


@dataclass(frozen=True)
class Rule:
    """What goes wrong: the calls `nth` to `nth + times - 1` of those that match (`times` 0: all from `nth` on).

    An empty `caller`, `operation` or `match` (a part of the call's text) matches everything. `do`:
    error: refused with `code`, `status` and `fields` instead of being carried out;
    lose: carried out, and then answered with that error;
    twice: carried out twice; skip: not carried out, nobody is told (events);
    delay: carried out after `seconds`;
    hold: carried out `seconds` after whoever set the table lets it go (`let_go`), which functions wait for 7 s at most;
    kill-before, kill-after: the function that calls is killed before or after it is carried out;
    answer: not carried out, answered with `body`;
    shift: the times that it tells the function are `seconds` later than they are, as if the function's clock were slow.
    """

    do: str
    caller: str = ""
    operation: str = ""
    match: str = ""
    nth: int = 1
    times: int = 1
    code: str = "ThrottlingException"
    message: str = "Rate exceeded"
    status: int = 400
    seconds: float = 0.0
    body: str = "{}"
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.do not in ACTIONS:
            raise ValueError(f"a fault does one of {', '.join(ACTIONS)}, not {self.do!r}")

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Rule:
        """From JSON. Raises ValueError naming what is unknown."""
        unknown = set(value) - {item.name for item in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        return cls(**value)

    def applies(self, call: Call) -> bool:
        """Whether it is about this call."""
        wanted = self.operation
        same = call.operation.startswith(wanted[:-1]) if wanted.endswith("*") else wanted in ("", call.operation)
        return same and self.caller in ("", call.caller) and self.match in call.text


# A function gives a call up after 10 s (`lambdas/environment.py`).
_LONGEST_HOLD: Final = 7.0


class Faults:
    """The table, and how often each rule was met. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._let_go = threading.Event()
        self._rules: list[Rule] = []
        self._met: list[int] = []
        self._fired: list[str] = []

    def set(self, rules: Sequence[Rule]) -> None:
        """Replace the table; counting starts anew."""
        with self._lock:
            self._rules, self._met, self._fired = list(rules), [0] * len(rules), []
            self._let_go.clear()

    def let_go(self) -> None:
        """What is held is carried out from now on."""
        self._let_go.set()

    def wait_until_let_go(self) -> None:
        """Return when what is held is let go, or must go on by itself."""
        self._let_go.wait(_LONGEST_HOLD)

    def armed(self) -> bool:
        """Whether there is any rule."""
        return bool(self._rules)

    def meet(self, call: Call) -> Rule | None:
        """The first rule whose turn it is, if any; every rule that is about this call counts it."""
        with self._lock:
            found = None
            for number, rule in enumerate(self._rules):
                if not rule.applies(call):
                    continue
                self._met[number] += 1
                turn = self._met[number] - rule.nth
                if found is None and turn >= 0 and (rule.times == 0 or turn < rule.times):
                    found = rule
            if found:
                self._fired.append(f"{found.do} {call.caller} {call.operation}")
            return found

    def fired(self) -> list[str]:
        """What went wrong since the table was set, in order."""
        with self._lock:
            return list(self._fired)
