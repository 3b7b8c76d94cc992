"""Rights that the played story does not use, each with the reason why it is granted all the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tests.rights.usage import Right


@dataclass(frozen=True)
class Reason:
    """`role` and `resource` are patterns with `*`; `facts` are kinds of the ledger's facts, () for any."""

    why: str
    role: str
    actions: tuple[str, ...]
    resource: str = "*"
    facts: tuple[str, ...] = ()

    def covers(self, right: Right) -> bool:
        """Whether it is the reason of a right."""
        return (
            fnmatchcase(right.role, self.role)
            and right.action in self.actions
            and fnmatchcase(right.resource, self.resource)
            and (not self.facts or right.facts in self.facts)
        )


REASONS: Final[tuple[Reason, ...]] = ()


def without_reason(unused: Iterable[Right]) -> list[Right]:
    """The rights that nobody uses and that no reason is given for."""
    return sorted(right for right in unused if not any(reason.covers(right) for reason in REASONS))


def stale(unused: Iterable[Right]) -> list[str]:
    """What has a reason without need: an action, or a kind of facts, of a reason that no unused right has."""
    rights, found = list(unused), []
    for reason in REASONS:
        covered = [right for right in rights if reason.covers(right)]
        idle = (
            {*reason.actions, *reason.facts} - {right.action for right in covered} - {right.facts for right in covered}
        )
        found += [f"{reason.role}: {name}: {reason.why}" for name in sorted(idle)]
    return found
