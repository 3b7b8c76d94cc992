"""The epoch of the data: the settings that would move rows between splits stay as they were when it began."""

from __future__ import annotations

import json

import tasks
from domain.errors import EpochChanged, ReadingChanged
from domain.settings import Settings
from lambdas.environment import Environment


def check_epoch(env: Environment) -> None:
    """Freeze the settings of a new epoch, and compare those of one that began. Raises EpochChanged, ReadingChanged."""
    data, reader = env.settings.data, tasks.read(env.settings.task)
    own = {"task": env.settings.task, **(reader.FROZEN if reader else {})}
    frozen = {**own, **data.frozen()}
    # An epoch of an earlier release knew one task, today's default.
    bound = {"task": Settings.model_fields["task"].default, **env.ledger.freeze_epoch(data.epoch, frozen)}
    changed = [name for name in frozen if frozen[name] != bound.get(name)]
    if "reading" in changed:
        raise ReadingChanged(
            f"files are read by the rules of number {frozen['reading']} now, and those of epoch {data.epoch} were read "
            f"by number {bound.get('reading', 1)}: the same row could be another one, in another split. "
            f"Set data.epoch to {data.epoch + 1} to read all of landing by the new rules and start over."
        )
    if changed:
        keys = ", ".join(name if name in own else f"data.{name}" for name in changed)
        raise EpochChanged(
            f"{keys} cannot change within epoch {data.epoch} "
            f"(it froze {json.dumps({name: bound.get(name) for name in changed})}): its rows were read that way. "
            f"Set data.epoch to {data.epoch + 1} to start over."
        )
