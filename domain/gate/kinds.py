"""The judge of a kind of task: for the gate by the settings, and for who only wants to know how good answers are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from domain.gate.classification import Classification
from domain.gate.judge import Judge
from domain.gate.regression import Regression
from domain.gate.types import JudgedRow, Scores, Value
from domain.measures import OF_KIND, Measure

if TYPE_CHECKING:
    from domain.settings import GateSettings, Kind

_PLAIN: Final[dict[Kind, Judge]] = {"classification": Classification(), "regression": Regression()}


def judge_of(kind: Kind, policy: GateSettings, measures: Collection[str] = ()) -> Judge:
    """The judge of a kind of task, by the measures with these keys, or all. Raises ValueError if it has no such one."""
    named = _named(kind, measures)
    return Classification(named, policy.min_label_test_rows) if kind == "classification" else Regression(named)


def scored(kind: Kind, truths: Sequence[Value], answers: Sequence[Value]) -> Scores:
    """All measures of `answers` to n ≥ 1 rows with these truths; every label counts.

    Raises ValueError for none or not as many of both, and where a number is asked for and it is none.
    """
    if not truths or len(truths) != len(answers):
        raise ValueError(f"{len(truths)} truths and {len(answers)} answers: need as many of both, at least one")
    pairs = enumerate(zip(truths, answers, strict=True))
    rows = [JudgedRow(str(n), truth, answer, None, held_out_before=False) for n, (truth, answer) in pairs]
    return _PLAIN[kind].scores(rows, "candidate")


def _named(kind: Kind, keys: Collection[str]) -> tuple[Measure, ...]:
    every = OF_KIND[kind]
    known = [measure.key for measure in every]
    unknown = sorted(set(keys) - set(known))
    if unknown:
        raise ValueError(f"{kind} has no measure {unknown[0]!r}: it has {', '.join(known)}")
    return tuple(measure for measure in every if not keys or measure.key in keys)
