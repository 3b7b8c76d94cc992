"""The gate: may this candidate replace the live model? Pure, and each rule is reported whether or not it decided.

Verdicts: `promote` (better or equal, and good enough), `keep` (not better: the champion stays, the data stays) and
`reject` (not good enough, or clearly worse: the champion stays and the new data is suspect).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from domain.config import GateSettings
from domain.scores import Scores, majority_baseline, score

Verdict = Literal["promote", "keep", "reject"]


@dataclass(frozen=True)
class JudgedRow:
    """One held-out row: the label it is judged by and what each model answered (`None`: there is no champion).

    `held_out_before` says that the champion's own version held this row out already; its label is then the one it
    had there, so that a drop cannot rewrite the test it is judged by.
    """

    id: str
    label: str
    candidate: str
    champion: str | None
    held_out_before: bool


@dataclass(frozen=True)
class Rule:
    """One rule's outcome. `verdict` is what a failing rule asks for; `inputs` are the numbers it looked at."""

    name: str
    passed: bool
    verdict: Verdict
    sentence: str
    inputs: dict[str, float | int]


@dataclass(frozen=True)
class Decision:
    """What the gate says, and why. `champion` is None where there is no champion of the same epoch."""

    verdict: Verdict
    sentence: str
    rules: tuple[Rule, ...]
    candidate: Scores
    champion: Scores | None
    fresh: Scores | None

    def to_json(self) -> dict[str, object]:
        """JSON-ready form, as it stands in the receipt."""
        return asdict(self)


def decide(rows: Sequence[JudgedRow], policy: GateSettings) -> Decision:
    """Judge the candidate on `rows` (n ≥ 1 held-out rows, the same for both models).

    Raises ValueError if there are no rows, or if only some of them carry a champion's answer.
    """
    if not rows:
        raise ValueError("no held-out rows to judge by")
    answered = [row for row in rows if row.champion is not None]
    if answered and len(answered) != len(rows):
        raise ValueError(f"the champion answered {len(answered)} of {len(rows)} rows: it must answer all or none")
    candidate = _score(rows, "candidate", policy)
    champion = _score(rows, "champion", policy) if answered else None
    fresh_rows = [row for row in rows if not row.held_out_before] if answered else []
    rules = [
        _enough_rows(rows, policy),
        _threshold("accuracy", candidate.accuracy, policy.min_accuracy),
        _threshold("macro-F1", candidate.macro_f1, policy.min_macro_f1),
        _above_baseline(rows, candidate),
    ]
    if champion:
        rules += _no_worse("on all rows", candidate, champion, policy)
        old = [row for row in rows if row.held_out_before]
        if old:
            before = "on rows held out before"
            rules += _no_worse(before, _score(old, "candidate", policy), _score(old, "champion", policy), policy)
    verdict, sentence = _conclude(rules, candidate, champion)
    fresh = _score(fresh_rows, "candidate", policy) if fresh_rows else None
    return Decision(verdict, sentence, tuple(rules), candidate, champion, fresh)


def _score(rows: Sequence[JudgedRow], who: Literal["candidate", "champion"], policy: GateSettings) -> Scores:
    answers = [str(getattr(row, who)) for row in rows]
    return score([row.label for row in rows], answers, policy.min_label_rows)


def _enough_rows(rows: Sequence[JudgedRow], policy: GateSettings) -> Rule:
    passed = len(rows) >= policy.min_test_rows
    sentence = f"{len(rows)} held-out rows, at least {policy.min_test_rows} needed"
    return Rule("enough rows", passed, "keep", sentence, {"rows": len(rows), "needed": policy.min_test_rows})


def _threshold(what: str, value: float, least: float) -> Rule:
    sentence = f"{what} {value:.4f}, at least {least:.4f} needed"
    return Rule(f"{what} threshold", value >= least, "reject", sentence, {"value": value, "needed": least})


def _above_baseline(rows: Sequence[JudgedRow], candidate: Scores) -> Rule:
    baseline = majority_baseline([row.label for row in rows])
    sentence = f"accuracy {candidate.accuracy:.4f}, always answering the commonest label gives {baseline:.4f}"
    passed = candidate.accuracy > baseline
    return Rule("above baseline", passed, "reject", sentence, {"value": candidate.accuracy, "baseline": baseline})


def _no_worse(where: str, candidate: Scores, champion: Scores, policy: GateSettings) -> list[Rule]:
    rules = []
    pairs = [
        ("accuracy", candidate.accuracy, champion.accuracy),
        ("macro-F1", candidate.macro_f1, champion.macro_f1),
    ]
    for what, new, old in pairs:
        difference = new - old
        # A tie computed in floating point must not look like a loss.
        passed = difference >= -policy.max_drop - 1e-12
        verdict: Verdict = "reject" if difference < -policy.margin - 1e-12 else "keep"
        sentence = f"{what} {where}: {new:.4f} against the champion's {old:.4f} ({difference:+.4f})"
        inputs = {"candidate": new, "champion": old, "difference": difference, "rows": candidate.rows}
        rules.append(Rule(f"{what} {where}", passed, verdict, sentence, inputs))
    return rules


def _conclude(rules: Sequence[Rule], candidate: Scores, champion: Scores | None) -> tuple[Verdict, str]:
    failed = [rule for rule in rules if not rule.passed]
    # Without enough rows no number means anything: nothing may be rejected on them either.
    if failed and failed[0].name == "enough rows":
        return "keep", f"Kept as it was: {failed[0].sentence}."
    harm = [rule for rule in failed if rule.verdict == "reject"]
    if harm:
        return "reject", "Rejected: " + "; ".join(rule.sentence for rule in harm) + "."
    if failed:
        return "keep", "Kept the champion: " + "; ".join(rule.sentence for rule in failed) + "."
    if champion is None:
        return "promote", f"Promoted: the first model, accuracy {candidate.accuracy:.4f} on {candidate.rows} rows."
    return "promote", (
        f"Promoted: accuracy {candidate.accuracy:.4f} against the champion's {champion.accuracy:.4f}, "
        f"macro-F1 {candidate.macro_f1:.4f} against {champion.macro_f1:.4f}, on {candidate.rows} rows."
    )
