"""The gate's rules. Each looks at numbers, says in one sentence what it saw, and what its failing would ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.explain import first_of
from domain.gate.scores import majority_label, score
from domain.gate.statistics import Draws, bootstrap, holm, interval, mcnemar
from domain.gate.types import JudgedRow, Rule, Scores, Verdict
from domain.printable import brief
from domain.settings import GateSettings

METRICS: Final = ("accuracy", "macro-F1")
# Promoting needs 95% confidence that nothing was lost beyond the margin; holding a person's data needs 99% that
# something was.
_CONFIDENCE, _CONFIDENCE_OF_HARM = 0.95, 0.99
# Below this support McNemar's test cannot find but the grossest collapse, and Holm's correction pays for the try.
_TESTED_ROWS: Final = 30
# A tie computed in floating point must not look like a loss.
_ROUNDING: Final = 1e-12


def enough_rows(rows: Sequence[JudgedRow], policy: GateSettings) -> Rule:
    """Rule 1: without enough held-out rows no number means anything."""
    passed = len(rows) >= policy.min_test_rows
    sentence = f"{len(rows)} held-out rows, at least {policy.min_test_rows} needed"
    return Rule("enough rows", passed, "keep", sentence, {"rows": len(rows), "needed": policy.min_test_rows})


def good_enough(rows: Sequence[JudgedRow], candidate: Scores, policy: GateSettings) -> list[Rule]:
    """Rule 2: the thresholds, and better than always giving the commonest answer."""
    return [
        _threshold(METRICS[0], candidate.accuracy, policy.min_accuracy),
        _threshold(METRICS[1], candidate.macro_f1, policy.min_macro_f1),
        _above_baseline(rows, candidate, policy),
    ]


def _above_baseline(rows: Sequence[JudgedRow], candidate: Scores, policy: GateSettings) -> Rule:
    """Better than the commonest label given always, in each measure that the settings set a threshold for.

    Without any threshold, in both. Where one label rules, accuracy says little of a model that looks for the rare one:
    whoever wants that one sets `min_accuracy` to 0. What is right on every row cannot be better, and passes.
    """
    labels = [row.label for row in rows]
    commonest = score(labels, [majority_label(labels)] * len(labels), policy.min_label_test_rows)
    measured = {
        METRICS[0]: (policy.min_accuracy, candidate.accuracy, commonest.accuracy),
        METRICS[1]: (policy.min_macro_f1, candidate.macro_f1, commonest.macro_f1),
    }
    asked = {metric: found for metric, found in measured.items() if found[0] > 0} or measured
    said = [f"{metric} {value:.4f} where that gives {least:.4f}" for metric, (_, value, least) in asked.items()]
    inputs: dict[str, float | int] = {}
    for metric, (_, value, least) in asked.items():
        inputs |= {metric: value, f"{metric} of the commonest": least}
    passed = candidate.accuracy == 1 or all(value > least for _, value, least in asked.values())
    sentence = f"beside always answering the commonest label: {', '.join(said)}"
    return Rule("above baseline", passed, "reject", sentence, inputs)


def no_worse(where: str, rows: Sequence[JudgedRow], draws: dict[str, Draws], policy: GateSettings) -> list[Rule]:
    """Rule 3: accuracy and macro-F1 against the champion's, as observed and within what chance can do to them.

    `draws` are the bootstrap of these rows. Fails towards `reject` only for a loss that is sure and that matters.
    """
    new, old = scored(rows, "candidate", policy), scored(rows, "champion", policy)
    rules = []
    for metric, one, other in ((METRICS[0], new.accuracy, old.accuracy), (METRICS[1], new.macro_f1, old.macro_f1)):
        difference, drawn = one - other, draws["candidate"].of(metric) - draws["champion"].of(metric)
        low = interval(drawn, 2 * _CONFIDENCE - 1)[0]
        high = interval(drawn, 2 * _CONFIDENCE_OF_HARM - 1)[1]
        passed = difference >= -policy.max_drop - _ROUNDING and low >= -policy.margin - _ROUNDING
        harm = high < -policy.max_drop - _ROUNDING and difference < -policy.min_harm - _ROUNDING
        bound = f"99% sure below {high:+.4f}" if harm else f"95% sure above {low:+.4f}"
        sentence = f"{metric} {where}: {one:.4f} against the champion's {other:.4f} ({difference:+.4f}, {bound})"
        inputs = {"candidate": one, "champion": other, "difference": difference, "low": low, "high": high}
        verdict: Verdict = "reject" if harm else "keep"
        rules.append(Rule(f"{metric} {where}", passed, verdict, sentence, {**inputs, "rows": len(rows)}))
    return rules


def something_kept(rows: Sequence[JudgedRow]) -> Rule:
    """Of the rows that the champion has right, the candidate has at least one right.

    Only a champion that is mostly wrong can lose all of them to a better one. Either's labels then mean something else,
    which is for a person to look at.
    """
    right = [row for row in rows if row.champion == row.label]
    kept = sum(row.candidate == row.label for row in right)
    sentence = f"the candidate is right on {kept} of the {len(right)} rows on which the champion is right"
    return Rule("something kept", bool(kept or not right), "keep", sentence, {"rows": len(right), "kept": kept})


def none_collapsed(what: str, where: str, groups: dict[str, list[JudgedRow]], policy: GateSettings) -> Rule:
    """Rule 4: of no label (or slice) did the candidate lose rows beyond `max_label_drop` and beyond chance.

    McNemar's exact test for each group with enough rows, Holm's correction over them.
    """
    tested = {name: rows for name, rows in sorted(groups.items()) if len(rows) >= _TESTED_ROWS}
    counts = {name: _lost_and_won(rows) for name, rows in tested.items()}
    p_values = dict(zip(counts, holm([mcnemar(lost, won) for lost, won in counts.values()]), strict=True))
    losses = {name: (lost - won) / len(tested[name]) for name, (lost, won) in counts.items()}
    material = [name for name in tested if losses[name] > policy.max_label_drop + _ROUNDING]
    collapsed = [name for name in material if p_values[name] < 1 - _CONFIDENCE]
    harm = any(p_values[name] < 1 - _CONFIDENCE_OF_HARM for name in collapsed)
    said = [
        f"{brief(name)!r} lost {lost} and won {won} of {len(tested[name])} rows ({_p(p_values[name])})"
        for name, (lost, won) in counts.items()
        if name in collapsed
    ]
    none = f"none of {len(tested)} {what}s with {_TESTED_ROWS} rows or more collapsed"
    sentence = f"{what}s {where}: {first_of(said, '; ') or none}"
    worst = max(tested, key=lambda name: (losses[name], name), default=None)
    inputs: dict[str, float | int] = {"tested": len(tested), "collapsed": len(collapsed)}
    if worst is not None:
        inputs |= {"largest_loss": losses[worst], "its_p": p_values[worst]}
    return Rule(f"{what}s {where}", not collapsed, "reject" if harm else "keep", sentence, inputs)


def no_slow_decline(rows: Sequence[JudgedRow], policy: GateSettings) -> list[Rule]:
    """Rule 6: small losses that each pass must not add up. `rows` are those the epoch's first champion answered."""
    new, first = scored(rows, "candidate", policy), scored(rows, "anchor", policy)
    rules = []
    for metric, one, other in ((METRICS[0], new.accuracy, first.accuracy), (METRICS[1], new.macro_f1, first.macro_f1)):
        change = one - other
        sentence = f"{metric} since the epoch's first model: {one:.4f} against {other:.4f} ({change:+.4f})"
        inputs = {"candidate": one, "first": other, "difference": change, "rows": len(rows)}
        passed = change >= -policy.max_total_drop - _ROUNDING
        rules.append(Rule(f"{metric} since the first model", passed, "keep", sentence, inputs))
    return rules


def scored(rows: Sequence[JudgedRow], who: str, policy: GateSettings) -> Scores:
    """Scores of "candidate", "champion" or "anchor" on rows that it answered."""
    return score([row.label for row in rows], answers(rows, who), policy.min_label_test_rows)


def answers(rows: Sequence[JudgedRow], who: str) -> list[str]:
    """What "candidate", "champion" or "anchor" answered, row by row."""
    return [str(getattr(row, who)) for row in rows]


def drawn(rows: Sequence[JudgedRow], models: Sequence[str], policy: GateSettings, seed: str) -> dict[str, Draws]:
    """The paired bootstrap of `models` on `rows`."""
    given = {model: answers(rows, model) for model in models}
    found = scored(rows, "candidate", policy)
    counted = [item.label for item in found.labels if item.label not in found.left_out]
    return bootstrap([row.label for row in rows], given, counted, seed)


def _threshold(what: str, value: float, least: float) -> Rule:
    sentence = f"{what} {value:.4f}, at least {least:.4f} needed"
    return Rule(f"{what} threshold", value >= least, "reject", sentence, {"value": value, "needed": least})


def _p(value: float) -> str:
    return f"p {value:.4f}" if value >= 0.0001 else "p < 0.0001"


def _lost_and_won(rows: Sequence[JudgedRow]) -> tuple[int, int]:
    lost = sum(row.champion == row.label != row.candidate for row in rows)
    won = sum(row.candidate == row.label != row.champion for row in rows)
    return lost, won
