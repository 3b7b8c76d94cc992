"""How often the gate is right about numbers: the part of `make gate-report` on regression."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product, repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.gate import decision as gate
from domain.gate import rules
from domain.gate.losses import Factor
from domain.gate.regression import Regression
from domain.gate.screen import Sample, screen, usual_error
from domain.gate.types import JudgedRow
from domain.settings import GateSettings, ScreenSettings

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
POLICY: Final = GateSettings()
ROWS: Final = (50, 200, 1_000)
GAINS: Final = (-POLICY.margin, 0.0, 0.05, 0.1)
# The models' errors on a row, as of two trainings on nearly the same rows.
_CORRELATION, _DRAWS, _SLICES, _HELD_OUT = 0.9, 500, 4, 400
# So many times as many test sets for what must not be above 5%.
_MORE: Final = 4
# In the mean absolute error, and in the mean square, of errors that are three times as large on a row in 20.
_RARE, _TIMES = 0.05, 3.0
_BOUNDS: Final = """\
## Regression: the bound on the factor of error

Both models have errors of the same distribution, with a correlation of 0.9; the candidate's are larger or smaller as
is said. *Lets through* is the share of test sets on which the bound is below `margin`. With a candidate that is truly
`margin` worse that is a false promotion, as far as this bound goes: the gate promotes fewer, since it looks at
`max_drop` and all measures as well. R² is compared as RMSE is. Beside it the plain bootstrap: 95% of the resampled
factors are below its bound. *Rarely*: the candidate is the champion's equal but on a row in 20, where it is three times
as far off; scaled, so that it is better or worse by as much as the others. One test set of 50 rows in 13 has no such
row, and no test can know of it. The columns of {worse} are of {more:,} test sets each: ±{error:.1%}.

| errors | test rows | {worse}, lets through: MAE | RMSE | plain bootstrap: MAE | RMSE | equal: MAE | RMSE | \
5% better: MAE | RMSE |
|---|---|---|---|---|---|---|---|---|---|
"""
_VERDICTS: Final = """
## Regression: verdicts

The real gate's, by MAE, RMSE and R², without thresholds. The last column of an equal candidate is false alarms.

| errors | the candidate's error is truly | test rows | promote | keep | reject, and hold the new data |
|---|---|---|---|---|---|
"""
_ALARMS: Final = """
## Regression: false alarms of the slice rule

Between equal models, {slices} slices of as many rows, by MAE: with Holm's correction at 5%, then with the demand that
the error on the slice rose by over {share:.0%}, which is the rule as it stands.

| errors | test rows | by the test alone | the rule |
|---|---|---|---|
"""
_SCREEN: Final = """
## Regression: Screen

Files that Screen holds, of a model whose R² is 0.5 and that has {held_out} held-out rows: as they should be, and with
truths that are changed. `screen.tolerance` is {tolerance:g}.

| errors | sampled rows | nothing changed | shifted by a standard deviation | half shuffled | shuffled |
|---|---|---|---|---|---|
"""


def _lognormal(normal: Floats) -> Floats:
    return np.exp(normal) - math.exp(0.5)


def _pair(chance: np.random.Generator, shape: tuple[int, int], form: Callable[[Floats], Floats]) -> Pair:
    one, other = chance.standard_normal((2, *shape))
    return form(_CORRELATION * one + math.sqrt(1 - _CORRELATION**2) * other), form(one)


def _student(chance: np.random.Generator, shape: tuple[int, int]) -> Pair:
    far = np.sqrt(3 / chance.chisquare(3, shape))
    return _pair(chance, shape, lambda normal: normal * far)


def _contaminated(chance: np.random.Generator, shape: tuple[int, int]) -> Pair:
    far = np.where(chance.random(shape) < 0.05, 10.0, 1.0)
    return _pair(chance, shape, lambda normal: normal * far)


ERRORS: Final[dict[str, Callable[[np.random.Generator, tuple[int, int]], Pair]]] = {
    "normal": lambda chance, shape: _pair(chance, shape, lambda normal: normal),
    "lognormal": lambda chance, shape: _pair(chance, shape, _lognormal),
    "Student t, 3 degrees": _student,
    "normal, 5% ten times as far": _contaminated,
}
RARELY: Final = "rarely"


def losses(errors: str, power: int, shape: tuple[int, int], chance: np.random.Generator) -> Pair:
    """(candidate's, champion's) losses to that power, equal on average, of shape (trials, rows)."""
    if errors != RARELY:
        ours, theirs = ERRORS[errors](chance, shape)
        return np.abs(ours) ** power, np.abs(theirs) ** power
    theirs = np.abs(chance.standard_normal(shape)) ** power
    ours = np.where(chance.random(shape) < _RARE, _TIMES**power, 1.0) * theirs
    return ours / (1 - _RARE + _RARE * _TIMES**power), theirs


def let_through(cell: tuple[str, int], trials: int) -> list[float]:
    """Shares of trials of (errors, rows) let through, as the columns of the table are."""
    errors, rows = cell
    chance = np.random.default_rng([rows, *errors.encode()])
    resamples = chance.multinomial(rows, np.full(rows, 1 / rows), size=_DRAWS).astype(float)
    columns: dict[str, list[float]] = {"worse": [], "plain": [], "equal": [], "better": []}
    for power in (1, 2):
        ours, theirs = losses(errors, power, (_MORE * trials, rows), chance)
        most = (1 + POLICY.margin) ** power

        def share(factor: float, ours: Floats = ours, theirs: Floats = theirs, most: float = most) -> float:
            bounds = [Factor(factor * one, other).at_most(0.95) for one, other in zip(ours, theirs, strict=True)]
            return float(np.mean(np.array(bounds) <= most))

        columns["worse"].append(share(most))
        # The same resamples serve all trials: each is one of them by itself.
        drawn = (resamples @ (most * ours).T) / (resamples @ theirs.T)
        columns["plain"].append(float(np.mean(np.quantile(drawn, 0.95, axis=0) <= most)))
        columns["equal"].append(share(1.0, ours[:trials], theirs[:trials]))
        columns["better"].append(share(0.95**power, ours[:trials], theirs[:trials]))
    return [share for shares in columns.values() for share in shares]


def judged(errors: str, rows: int, gain: float, chance: np.random.Generator) -> list[JudgedRow]:
    """`rows` judged rows; the candidate's error is truly lower by the share `gain`.

    The champion's errors are noise of the truths, R² is about 0.9 where they are normal.
    """
    ours, theirs = (found[0] for found in ERRORS[errors](chance, (1, rows)))
    truths = 3 * chance.standard_normal(rows) - theirs
    columns = zip(truths, truths + (1 - gain) * ours, truths + theirs, chance.integers(_SLICES, size=rows), strict=True)
    return [
        JudgedRow(str(n), float(truth), float(one), float(other), True, slice=str(place))
        for n, (truth, one, other, place) in enumerate(columns)
    ]


def verdicts(cell: tuple[str, float, int], trials: int) -> Counter[str]:
    """How often each verdict was given in `trials` simulations of (errors, gain, rows)."""
    errors, gain, rows = cell
    chance = np.random.default_rng([rows, round(1000 * (gain + 1)), *errors.encode()])
    judge, count = Regression(), Counter[str]()
    for _ in range(trials):
        found = judged(errors, rows, gain, chance)
        candidate, champion = judge.scores(found, "candidate"), judge.scores(found, "champion")
        study = judge.study(found, ("candidate", "champion"), "")
        count[
            gate.conclude(gate.examine(found, candidate, study, POLICY, "", judge), candidate, champion, judge)[0]
        ] += 1
    return count


def slice_alarms(cell: tuple[str, int], trials: int) -> tuple[float, float]:
    """Share of trials of (errors, rows) in which equal models raise the slice rule: by its test, and as it stands."""
    errors, rows = cell
    chance = np.random.default_rng([rows, 1, *errors.encode()])
    judge, alarms = Regression(), [0, 0]
    for _ in range(trials):
        groups = judge.groups(judged(errors, rows, 0.0, chance))["slice"]
        for place, allowed in enumerate((0.0, POLICY.max_label_drop)):
            policy = POLICY.model_copy(update={"max_label_drop": allowed})
            alarms[place] += not rules.none_collapsed(judge, "slice", "", groups, policy).passed
    return alarms[0] / trials, alarms[1] / trials


def held(cell: tuple[str, int], trials: int) -> list[float]:
    """Shares of files of (errors, sampled rows) that Screen holds, as the columns of the table are."""
    errors, rows = cell
    chance, policy = np.random.default_rng([rows, 2, *errors.encode()]), ScreenSettings()
    count = [0, 0, 0, 0]
    for _ in range(trials):
        drawn = ERRORS[errors](chance, (1, _HELD_OUT + rows))[0][0]
        answers = drawn.std() * chance.standard_normal(_HELD_OUT + rows)
        truths = answers + drawn
        reference = list(zip(truths[:_HELD_OUT], answers[:_HELD_OUT], strict=True))
        usual = usual_error(reference)
        new, given, other = truths[_HELD_OUT:], answers[_HELD_OUT:], chance.permutation(truths[_HELD_OUT:])
        files = (new, new + new.std(), np.where(chance.random(rows) < 0.5, other, new), other)
        for place, file in enumerate(files):
            sample = Sample.of_numbers(zip(file, given, strict=True), usual)
            count[place] += screen(Sample.of_numbers(reference, usual), {"file": sample}, policy)[0].held
    return [found / trials for found in count]


def section(trials: int, pool: ProcessPoolExecutor) -> str:
    """This part of the page, in Markdown."""

    def table(cells: list[Any], found: Callable[[Any, int], Any], line: Callable[[Any, Any], str]) -> Iterator[str]:
        for cell, result in zip(cells, pool.map(found, cells, repeat(trials)), strict=True):
            yield line(cell, result)

    def shares(cell: tuple[str, int], result: list[float]) -> str:
        return f"| {cell[0]} | {cell[1]:,} | {' | '.join(f'{share:.1%}' for share in result)} |"

    def verdict(cell: tuple[str, float, int], count: Counter[str]) -> str:
        errors, gain, rows = cell
        what = "equal" if not gain else f"{abs(gain):.0%} {'lower' if gain > 0 else 'higher'}"
        found = " | ".join(f"{count[name] / trials:.1%}" for name in ("promote", "keep", "reject"))
        return f"| {errors} | {what} | {rows:,} | {found} |"

    more = _MORE * trials
    error = 1.96 * math.sqrt(0.05 * 0.95 / more)
    normal, heavy = "normal", "Student t, 3 degrees"
    lines = [
        _BOUNDS.format(worse=f"{POLICY.margin:.0%} worse", more=more, error=error).rstrip("\n"),
        *table(list(product([*ERRORS, RARELY], ROWS)), let_through, shares),
        _VERDICTS.rstrip("\n"),
        *table(list(product([normal, heavy], GAINS, ROWS)), verdicts, verdict),
        _ALARMS.format(slices=_SLICES, share=POLICY.max_label_drop).rstrip("\n"),
        *table(list(product([normal, heavy], ROWS[1:])), slice_alarms, shares),
        _SCREEN.format(held_out=_HELD_OUT, tolerance=ScreenSettings().tolerance).rstrip("\n"),
        *table(list(product([normal, heavy], (50, 100, 500))), held, shares),
    ]
    return "\n".join(lines) + "\n"
