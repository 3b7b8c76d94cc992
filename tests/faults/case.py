"""What one row of the matrix says: the fault, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Case:
    """One row. A file is dropped while the fault is there; then the fault is lifted and the sweep looks once more.

    `rules` go to the local cloud's fault switch (`local/faults.py`); `train` and `training` say what the training
    command does, and to how many jobs or attempts (0: all); `serve` is what is wrong with the candidate's container.
    `act` is done to the running pipeline: "abort" (when the fault is met) or "abort training", "stop job", "interrupt
    TIMES". `order`: instead of a drop a person orders a "rollback", or a "promote" of a model that could not go live
    before. `first`: nothing is live yet. `verdict` is how the dropped file's run must end, `words` a pattern that one
    notification must match, `failures` how many executions end badly, each of which a person is told of exactly once
    (`told_twice`: at most twice). `quick` cases are part of `make test-e2e`, and of `make test-tasks` for other tasks.
    """

    name: str
    fault: str
    rules: tuple[Mapping[str, Any], ...] = ()
    train: str = "copy"
    training: int = 0
    serve: str = ""
    act: str = ""
    order: Literal["", "rollback", "promote"] = ""
    first: bool = False
    verdict: str = "promote"
    words: str = ""
    failures: int = 0
    told_twice: bool = False
    quick: bool = False


@dataclass(frozen=True)
class Result:
    """What came of a case: `broken` lists what did not hold, [] for a case that passed."""

    case: Case
    happened: str
    verdict: str
    answers: int
    seconds: float
    broken: tuple[str, ...]
