"""The gate: may this candidate replace the live model? Pure, and each rule is reported whether or not it decided.

Verdicts: `promote` (better or equal, and good enough), `keep` (not better, or not surely so: the champion stays, the
data stays) and `reject` (not good enough, or surely worse: the champion stays and the new data is suspect).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from domain.gate import rules
from domain.gate.classification import Classification
from domain.gate.judge import Judge, Study
from domain.gate.kinds import judge_of
from domain.gate.types import Decision, JudgedRow, Rule, Scores, Verdict
from domain.settings import GateSettings, Kind

_USUAL: Final = Classification()


def decide(
    rows: Sequence[JudgedRow],
    policy: GateSettings,
    seed: str,
    kind: Kind = "classification",
    measures: Collection[str] = (),
) -> Decision:
    """Judge the candidate on `rows` (n ≥ 1 held-out rows, the same for both models).

    `kind` and `measures` are the task's: the keys of those that it is judged by, or none for all of its kind's. `seed`
    (the dataset's id) fixes the resamples, so that the same answers always get the same verdict. Raises ValueError if
    there are no rows, or if only some of them carry a champion's answer, or if the kind has no such measure.
    """
    if not rows:
        raise ValueError("no held-out rows to judge by")
    answered = [row for row in rows if row.champion is not None]
    if answered and len(answered) != len(rows):
        raise ValueError(f"the champion answered {len(answered)} of {len(rows)} rows: it must answer all or none")
    judge = judge_of(kind, policy, measures)
    models = ("candidate", "champion") if answered else ("candidate",)
    study = judge.study(rows, models, seed)
    candidate = judge.scores(rows, "candidate")
    champion = judge.scores(rows, "champion") if answered else None
    fresh = [row for row in answered if not row.held_out_before]
    found = examine(rows, candidate, study if champion else None, policy, seed, judge)
    verdict, sentence = conclude(found, candidate, champion, judge)
    return Decision(
        verdict=verdict,
        sentence=sentence,
        rules=tuple(found),
        candidate=candidate,
        champion=champion,
        fresh=judge.scores(fresh, "candidate") if fresh else None,
        intervals=study.intervals(),
        confusion=study.confusion(),
        residuals=study.residuals(),
    )


def examine(
    rows: Sequence[JudgedRow], candidate: Scores, study: Study | None, policy: GateSettings, seed: str, judge: Judge
) -> list[Rule]:
    """Each rule, in order. `study` is of these rows; None: there is no champion to compare with."""
    found = [rules.enough_rows(rows, policy), *rules.good_enough(judge, rows, candidate, policy)]
    if study:
        found.append(rules.something_kept(judge, rows))
        found += _compared("on all rows", rows, study, policy, judge)
        before = [row for row in rows if row.held_out_before]
        # The same once more without what came with this run, which may be as poisoned as what it trained on.
        if 0 < len(before) < len(rows):
            again = judge.study(before, ("candidate", "champion"), seed)
            found += _compared("on rows held out before", before, again, policy, judge)
    anchored = [row for row in rows if row.anchor is not None]
    if anchored:
        found += rules.no_slow_decline(judge, anchored, policy)
    return found


def conclude(
    found: Sequence[Rule], candidate: Scores, champion: Scores | None, judge: Judge = _USUAL
) -> tuple[Verdict, str]:
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
    ours = [(measure.name, measure.shown(candidate.values[measure.key])) for measure in judge.measures]
    if champion is None:
        return "promote", f"Promoted: the first model, {' '.join(ours[0])} on {candidate.rows} rows."
    theirs = [measure.shown(champion.values[measure.key]) for measure in judge.measures]
    whose = ["the champion's ", *[""] * len(ours)]
    said = [f"{name} {one} against {of}{other}" for (name, one), of, other in zip(ours, whose, theirs, strict=False)]
    return "promote", f"Promoted: {', '.join(said)}, on {candidate.rows} rows."


def _compared(where: str, rows: Sequence[JudgedRow], study: Study, policy: GateSettings, judge: Judge) -> list[Rule]:
    groups = judge.groups(rows)
    return rules.no_worse(judge, where, rows, study, policy) + [
        rules.none_collapsed(judge, what, where, found, policy) for what, found in groups.items()
    ]
