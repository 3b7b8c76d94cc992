"""The gate's rules. Each looks at numbers, says in one sentence what it saw, and what its failing would ask for.

They are the same for every kind of task: the `Judge` of the kind knows its measures, and how they move by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.explain import first_of
from domain.gate.judge import CONFIDENCE, CONFIDENCE_OF_HARM, Judge, Study
from domain.gate.statistics import holm
from domain.gate.types import JudgedRow, Rule, Scores, Verdict
from domain.measures import Measure
from domain.printable import brief
from domain.settings import GateSettings

# Below this support a test cannot find but the grossest collapse, and Holm's correction pays for the try.
_TESTED_ROWS: Final = 30
# A tie computed in floating point must not look like a loss.
_ROUNDING: Final = 1e-12


def enough_rows(rows: Sequence[JudgedRow], policy: GateSettings) -> Rule:
    """Rule 1: without enough held-out rows no number means anything."""
    passed = len(rows) >= policy.min_test_rows
    sentence = f"{len(rows)} held-out rows, at least {policy.min_test_rows} needed"
    return Rule("enough rows", passed, "keep", sentence, {"rows": len(rows), "needed": policy.min_test_rows})


def good_enough(judge: Judge, rows: Sequence[JudgedRow], candidate: Scores, policy: GateSettings) -> list[Rule]:
    """Rule 2: the thresholds, and better than always giving the same answer."""
    thresholds = [_threshold(measure, candidate.values[measure.key], policy) for measure in judge.measures]
    return [*filter(None, thresholds), _above_baseline(judge, rows, candidate, policy)]


def _above_baseline(judge: Judge, rows: Sequence[JudgedRow], candidate: Scores, policy: GateSettings) -> Rule:
    """Better than one answer given always, in each measure that the settings set a threshold for.

    Without any threshold, in all. Where one label rules, accuracy says little of a model that looks for the rare one:
    whoever wants that one sets `min_accuracy` to 0. What is right on every row cannot be better, and passes.
    """
    always = judge.baseline_scores(rows).values
    asked = [measure for measure in judge.measures if measure.threshold(policy) != measure.idle] or judge.measures
    said, inputs = [], dict[str, float | int]()
    for measure in asked:
        value, least = candidate.values[measure.key], always[measure.key]
        said.append(f"{measure.name} {measure.shown(value)} where that gives {measure.shown(least)}")
        inputs |= {measure.name: value, f"{measure.name} of {judge.baseline.removesuffix(' label')}": least}
    perfect = all(candidate.values[measure.key] == measure.best for measure in judge.measures)
    passed = perfect or all(measure.better(candidate.values[measure.key], always[measure.key]) for measure in asked)
    sentence = f"beside always answering {judge.baseline}: {', '.join(said)}"
    return Rule("above baseline", passed, "reject", sentence, inputs)


def no_worse(judge: Judge, where: str, rows: Sequence[JudgedRow], study: Study, policy: GateSettings) -> list[Rule]:
    """Rule 3: each measure against the champion's, as observed and within what chance can do to it.

    `study` is of these rows. Fails towards `reject` only for a loss that is sure and that matters.
    """
    new, old = judge.scores(rows, "candidate"), judge.scores(rows, "champion")
    rules = []
    for measure in judge.measures:
        one, other = new.values[measure.key], old.values[measure.key]
        difference, (low, high) = judge.difference(measure, new, old), study.bounds(measure)
        passed = difference >= -policy.max_drop - _ROUNDING and low >= -policy.margin - _ROUNDING
        harm = high < -policy.max_drop - _ROUNDING and difference < -policy.min_harm - _ROUNDING
        what, name = f"{judge.moved(difference)}, {judge.surely(low, high, harm=harm)}", f"{measure.name} {where}"
        sentence = f"{name}: {measure.shown(one)} against the champion's {measure.shown(other)} ({what})"
        inputs = {"candidate": one, "champion": other, "difference": difference, "low": low, "high": high}
        verdict: Verdict = "reject" if harm else "keep"
        rules.append(Rule(name, passed, verdict, sentence, {**inputs, "rows": len(rows)}))
    return rules


def something_kept(judge: Judge, rows: Sequence[JudgedRow]) -> Rule:
    """Of the rows that the champion has right, the candidate has at least one right.

    Only a champion that is mostly wrong can lose all of them to a better one. Either's labels then mean something else,
    which is for a person to look at.
    """
    right, kept, meaning = judge.kept(rows)
    sentence = f"the candidate is {meaning} on {kept} of the {right} rows on which the champion is {meaning}"
    return Rule("something kept", bool(kept or not right), "keep", sentence, {"rows": right, "kept": kept})


def none_collapsed(
    judge: Judge, what: str, where: str, groups: dict[str, list[JudgedRow]], policy: GateSettings
) -> Rule:
    """Rule 4: on no label (or slice) did the candidate lose beyond `max_label_drop` and beyond chance.

    A test for each group with enough rows, Holm's correction over them.
    """
    losses = {name: judge.group_loss(rows) for name, rows in sorted(groups.items()) if len(rows) >= _TESTED_ROWS}
    p_values = dict(zip(losses, holm([loss.p for loss in losses.values()]), strict=True))
    material = [name for name, loss in losses.items() if loss.share > policy.max_label_drop + _ROUNDING]
    collapsed = [name for name in material if p_values[name] < 1 - CONFIDENCE]
    harm = any(p_values[name] < 1 - CONFIDENCE_OF_HARM for name in collapsed)
    said = [f"{brief(name)!r} {losses[name].said} ({_p(p_values[name])})" for name in collapsed]
    none = f"none of {len(losses)} {what}s with {_TESTED_ROWS} rows or more collapsed"
    sentence = f"{what}s {where}: {first_of(said, '; ') or none}"
    worst = max(losses, key=lambda name: (losses[name].share, name), default=None)
    inputs: dict[str, float | int] = {"tested": len(losses), "collapsed": len(collapsed)}
    if worst is not None:
        inputs |= {"largest_loss": losses[worst].share, "its_p": p_values[worst]}
    return Rule(f"{what}s {where}", not collapsed, "reject" if harm else "keep", sentence, inputs)


def no_slow_decline(judge: Judge, rows: Sequence[JudgedRow], policy: GateSettings) -> list[Rule]:
    """Rule 6: small losses that each pass must not add up. `rows` are those the epoch's first champion answered."""
    new, first = judge.scores(rows, "candidate"), judge.scores(rows, "anchor")
    rules = []
    for measure in judge.measures:
        one, other, change = new.values[measure.key], first.values[measure.key], judge.difference(measure, new, first)
        shown = f"{measure.shown(one)} against {measure.shown(other)} ({judge.moved(change)})"
        sentence = f"{measure.name} since the epoch's first model: {shown}"
        inputs = {"candidate": one, "first": other, "difference": change, "rows": len(rows)}
        passed = change >= -policy.max_total_drop - _ROUNDING
        rules.append(Rule(f"{measure.name} since the first model", passed, "keep", sentence, inputs))
    return rules


def _threshold(measure: Measure, value: float, policy: GateSettings) -> Rule | None:
    """None if the settings have none."""
    asked = measure.threshold(policy)
    if asked is None:
        return None
    side = "least" if measure.higher_is_better else "most"
    sentence = f"{measure.name} {measure.shown(value)}, at {side} {measure.shown(asked)} needed"
    passed = not measure.better(asked, value)
    return Rule(f"{measure.name} threshold", passed, "reject", sentence, {"value": value, "needed": asked})


def _p(value: float) -> str:
    return f"p {value:.4f}" if value >= 0.0001 else "p < 0.0001"
