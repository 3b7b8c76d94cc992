"""The gate: may this candidate replace the live model? Pure, and each rule is reported whether or not it decided.

Verdicts: `promote` (better or equal, and good enough), `keep` (not better, or not surely so: the champion stays, the
data stays) and `reject` (not good enough, or surely worse: the champion stays and the new data is suspect).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from domain.gate import rules
from domain.gate.scores import confusion
from domain.gate.statistics import Draws, interval
from domain.gate.types import Decision, JudgedRow, Rule, Scores, Verdict
from domain.settings import GateSettings


def decide(rows: Sequence[JudgedRow], policy: GateSettings, seed: str) -> Decision:
    """Judge the candidate on `rows` (n ≥ 1 held-out rows, the same for both models).

    `seed` (the dataset's id) fixes the resamples, so that the same answers always get the same verdict. Raises
    ValueError if there are no rows, or if only some of them carry a champion's answer.
    """
    if not rows:
        raise ValueError("no held-out rows to judge by")
    answered = [row for row in rows if row.champion is not None]
    if answered and len(answered) != len(rows):
        raise ValueError(f"the champion answered {len(answered)} of {len(rows)} rows: it must answer all or none")
    models = ("candidate", "champion") if answered else ("candidate",)
    draws = rules.drawn(rows, models, policy, seed)
    candidate = rules.scored(rows, "candidate", policy)
    champion = rules.scored(rows, "champion", policy) if answered else None
    fresh = [row for row in answered if not row.held_out_before]
    found = [rules.enough_rows(rows, policy), *rules.good_enough(rows, candidate, policy)]
    if champion:
        found.append(rules.something_kept(rows))
        found += _compared("on all rows", rows, draws, policy)
        before = [row for row in rows if row.held_out_before]
        # The same once more without what came with this run, which may be as poisoned as what it trained on.
        if before and fresh:
            found += _compared("on rows held out before", before, rules.drawn(before, models, policy, seed), policy)
    anchored = [row for row in rows if row.anchor is not None]
    if anchored:
        found += rules.no_slow_decline(anchored, policy)
    verdict, sentence = conclude(found, candidate, champion)
    return Decision(
        verdict=verdict,
        sentence=sentence,
        rules=tuple(found),
        candidate=candidate,
        champion=champion,
        fresh=rules.scored(fresh, "candidate", policy) if fresh else None,
        intervals={model: _intervals(drawn) for model, drawn in draws.items()},
        confusion={model: confusion([row.label for row in rows], rules.answers(rows, model)) for model in models},
    )


def conclude(found: Sequence[Rule], candidate: Scores, champion: Scores | None) -> tuple[Verdict, str]:
    """The verdict that the rules add up to, and the sentence that says why."""
    failed = [rule for rule in found if not rule.passed]
    # Without enough rows no number means anything: nothing may be rejected on them either.
    few = [rule for rule in failed if rule.name == "enough rows"]
    if few:
        return "keep", f"Kept as it was: {few[0].sentence}."
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


def _compared(where: str, rows: Sequence[JudgedRow], draws: dict[str, Draws], policy: GateSettings) -> list[Rule]:
    found = rules.no_worse(where, rows, draws, policy)
    found.append(rules.none_collapsed("label", where, _groups(rows, lambda row: row.label), policy))
    slices = _groups([row for row in rows if row.slice is not None], lambda row: str(row.slice))
    if slices:
        found.append(rules.none_collapsed("slice", where, slices, policy))
    return found


def _groups(rows: Sequence[JudgedRow], key: Callable[[JudgedRow], str]) -> dict[str, list[JudgedRow]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _intervals(drawn: Draws) -> dict[str, tuple[float, float]]:
    return {metric: interval(drawn.of(metric), 0.95) for metric in rules.METRICS}
