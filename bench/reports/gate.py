"""`make gate-report`: how often the gate is right, by simulation, as `docs/gate.md`."""

from __future__ import annotations

import math
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Final

import numpy as np

from bench.reports import gate_numbers
from domain.gate import decision as gate
from domain.gate import rules
from domain.gate.classification import Classification
from domain.gate.types import JudgedRow
from domain.settings import GateSettings

PAGE: Final = Path("docs/gate.md")
POLICY: Final = GateSettings(min_accuracy=0, min_macro_f1=0)
ROWS: Final = (200, 1_000, 5_000)
LABELS: Final = (2, 10, 77)
GAINS: Final = (-0.10, -POLICY.margin, -0.02, 0.0, 0.01, 0.02, 0.03)
_CHAMPION, _DISCORDANT = 0.85, 0.10
_ABOUT: Final = """\
The champion answers 85% of a simulated test set rightly; 10% of the rows are answered rightly by one of the two models
only, as between two fine-tunes of one base model; what is wrong is wrong at random. The verdicts are the real gate's,
with the settings that ship and its thresholds on absolute scores out of the way. With so many rows, real retrainings
differ by their seed as well: the simulation knows only the chance of which rows were held out."""


def simulate(rows: int, labels: int, gain: float, chance: np.random.Generator) -> list[JudgedRow]:
    """`rows` judged rows of `labels` equally frequent labels; the candidate's true accuracy is higher by `gain`."""
    only_new, only_old = (_DISCORDANT + gain) / 2, (_DISCORDANT - gain) / 2
    both = _CHAMPION - only_old
    kind = chance.choice(4, rows, p=[both, only_old, only_new, 1 - both - only_old - only_new])
    truth = chance.integers(labels, size=rows)
    wrong = (truth + chance.integers(1, labels, size=(2, rows))) % labels
    candidate = np.where((kind == 0) | (kind == 2), truth, wrong[0])
    champion = np.where((kind == 0) | (kind == 1), truth, wrong[1])
    columns = zip(truth, candidate, champion, strict=True)
    return [JudgedRow(str(n), f"{a}", f"{b}", f"{c}", True) for n, (a, b, c) in enumerate(columns)]


def verdicts(cell: tuple[float, int], trials: int) -> Counter[str]:
    """How often each verdict was given in `trials` simulations of a (gain, rows) with two labels."""
    gain, rows = cell
    chance = np.random.default_rng([rows, round(1000 * (gain + 1))])
    found = (gate.decide(simulate(rows, 2, gain, chance), POLICY, seed=str(trial)) for trial in range(trials))
    return Counter(decision.verdict for decision in found)


def label_alarms(cell: tuple[int, int], trials: int) -> tuple[float, float]:
    """Share of trials of a (labels, rows) in which equal models raise the label rule: by its test, and as it stands."""
    labels, rows = cell
    chance = np.random.default_rng([rows, labels])
    alarms = [0, 0]
    for _ in range(trials):
        groups: dict[str, list[JudgedRow]] = {}
        for row in simulate(rows, labels, 0.0, chance):
            groups.setdefault(str(row.label), []).append(row)
        for place, allowed in enumerate((0.0, POLICY.max_label_drop)):
            policy = POLICY.model_copy(update={"max_label_drop": allowed})
            alarms[place] += not rules.none_collapsed(Classification(), "label", "", groups, policy).passed
    return alarms[0] / trials, alarms[1] / trials


def page(trials: int, pool: ProcessPoolExecutor) -> str:
    """The report, in Markdown."""
    error = 1.96 * math.sqrt(0.05 * 0.95 / trials)
    lines = [
        "# How often the gate is right",
        "",
        f"Simulated by `make gate-report`: {trials:,} test sets a figure, so a true 5% is seen within ±{error:.1%}.",
        _ABOUT,
        "",
        f"Settings: max_drop {POLICY.max_drop:g}, margin {POLICY.margin:g}, min_harm {POLICY.min_harm:g}, "
        f"max_label_drop {POLICY.max_label_drop:g}.",
        "",
        "## Verdicts",
        "",
        "| the candidate is truly | test rows | promote | keep | reject, and hold the new data |",
        "|---|---|---|---|---|",
    ]
    cells = [(gain, rows) for gain in GAINS for rows in ROWS]
    for (gain, rows), count in zip(cells, pool.map(verdicts, cells, repeat(trials)), strict=True):
        what = "equal" if not gain else f"{abs(gain):.0%} {'better' if gain > 0 else 'worse'}"
        shares = " | ".join(f"{count[verdict] / trials:.1%}" for verdict in ("promote", "keep", "reject"))
        lines.append(f"| {what} | {rows:,} | {shares} |")
    lines += [
        "",
        "A false promotion: *promote* where the candidate is truly `margin` worse. A false alarm, which costs a",
        "person's time: *reject* where it is equal.",
        "",
        "## False alarms of the label rule",
        "",
        "Between equal models: McNemar's exact test per label with Holm's correction at 5%, then with the demand that",
        f"the label lost over {POLICY.max_label_drop:.0%} of its rows, which is the rule as it stands. Labels with",
        "under 30 rows are not tested: nearly all of them with 10 labels on 200 rows, or 77 on 1,000.",
        "",
        "| labels | test rows | by the test alone | the rule |",
        "|---|---|---|---|",
    ]
    tests = [(labels, rows) for labels in LABELS for rows in ROWS]
    for (labels, rows), (alone, rule) in zip(tests, pool.map(label_alarms, tests, repeat(trials)), strict=True):
        lines.append(f"| {labels} | {rows:,} | {alone:.1%} | {rule:.1%} |")
    return "\n".join(lines) + "\n\n" + gate_numbers.section(trials, pool)


def main() -> None:
    """Print the page and write it."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with ProcessPoolExecutor() as pool:
        text = page(trials, pool)
    PAGE.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
