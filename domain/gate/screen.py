"""The screen: does the live model disagree with a new file's labels far beyond what it shows on accepted data?

A model that is right on 85% of held-out rows should be right on about 85% of an honest new file. Where it is right on
half of them, the labels are shuffled, swapped, or mean something else, and a training job would only cost money to
find that out. The reference is the champion's *held-out* rows: on those it was trained on it agrees too well.

A model that answers numbers disagrees with a row if it is off by more than it is on four fifths of its held-out rows
(`usual_error`). So a fifth is expected, whatever the errors' tails, and the same exact test applies.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from domain.explain import first_of
from domain.gate.statistics import binomial_tail, holm, wilson_upper
from domain.measures import significant
from domain.settings import ScreenSettings

# A file at the edge of what is tolerated is held by chance once in a hundred drops, however many files they have.
_LEVEL: Final = 0.01
# With fewer rows no honest test finds anything but the grossest harm; the gate will.
MIN_ROWS: Final = 30
# Where a bound between small and large errors finds most: shuffled, shifted and rescaled truths, with normal, lognormal
# and Student t errors (3 degrees), for R² from 0.2 to 0.8. A tenth misses weak models' shuffles, a half all small harm.
_USUAL: Final = 0.8
# Rows of one drop, so that a thousand files are read within a Lambda function's time, not only one.
_MOST_ROWS: Final = 50_000


@dataclass(frozen=True)
class Sample:
    """What the champion said to rows: how many have a label that it knows, on how many of those it disagrees.

    Of numbers, on how many it is off by more than `usual`.
    """

    rows: int
    disagreed: int
    unknown: int = 0
    usual: float | None = None

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]], known: Collection[str]) -> Sample:
        """From (label, answer) pairs. Rows whose label is not in `known` are set apart: a new label is no error."""
        pairs = list(pairs)
        fair = [(label, answer) for label, answer in pairs if label in known]
        return cls(len(fair), sum(label != answer for label, answer in fair), len(pairs) - len(fair))

    @classmethod
    def of_numbers(cls, pairs: Iterable[tuple[float, float]], usual: float) -> Sample:
        """From (truth, answer) pairs: an answer disagrees if it is off by more than `usual`, or is no number."""
        within = [abs(truth - answer) <= usual for truth, answer in pairs]
        return cls(len(within), within.count(False), usual=usual)

    @property
    def rate(self) -> float:
        """Share of rows on which it disagrees; 0 without rows."""
        return self.disagreed / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Finding:
    """One source's outcome. `bound` is the rate that it is tested against; `p` is corrected for all sources."""

    source: str
    sample: Sample
    bound: float
    p: float
    held: bool

    def to_json(self) -> dict[str, object]:
        """JSON-ready form."""
        return {**asdict(self), "rate": self.sample.rate}


def usual_error(reference: Iterable[tuple[float, float]]) -> float:
    """What the answers in four fifths of (truth, answer) pairs are off by at most; 0 without pairs."""
    errors = sorted(abs(truth - answer) for truth, answer in reference)
    return errors[math.ceil(_USUAL * len(errors)) - 1] if errors else 0.0


def rows_of_each(files: int, policy: ScreenSettings) -> int:
    """How many rows of each of so many new files are read: fewer where there are many files, never below MIN_ROWS."""
    return min(policy.sample_rows, max(MIN_ROWS, _MOST_ROWS // files))


def screen(reference: Sample, samples: dict[str, Sample], policy: ScreenSettings) -> list[Finding]:
    """A finding for each sample's source, in order of source id.

    Null hypothesis: the source's true rate of disagreement is at most the reference's, at the upper end of its
    one-sided 95% Wilson interval, plus `policy.tolerance`. Exact binomial test, Holm's correction over the sources.
    Without MIN_ROWS reference rows nothing is held.
    """
    bound = min(1.0, wilson_upper(reference.disagreed, reference.rows) + policy.tolerance)
    tested = sorted(name for name, sample in samples.items() if min(sample.rows, reference.rows) >= MIN_ROWS)
    raw = [binomial_tail(samples[name].disagreed, samples[name].rows, bound) for name in tested]
    corrected = dict(zip(tested, holm(raw), strict=True))
    return [
        Finding(name, samples[name], bound, corrected.get(name, 1.0), corrected.get(name, 1.0) < _LEVEL)
        for name in sorted(samples)
    ]


def told(key: str, finding: Finding) -> str:
    """What a person is told of one held file."""
    sample = finding.sample
    what = f"disagrees with {sample.disagreed} of {sample.rows} sampled labels"
    if sample.usual is not None:
        what = f"is off by more than {significant(sample.usual, 5)} on {sample.disagreed} of {sample.rows} sampled rows"
    return f"{key}: the live model {what} ({sample.rate:.0%})"


def sentence(findings: Sequence[tuple[str, Finding]], reference: Sample) -> str:
    """What a person is told of held files: (key, finding) pairs, at least one. It names the first few."""
    named = first_of([told(key, finding) for key, finding in findings], "; ")
    what = "it disagrees with" if reference.usual is None else "it is so on"
    return (
        f"Screened out before training: {named}; on accepted data {what} {reference.rate:.0%}. What "
        "is right as it is: mlops release FILE. What is not: mend it and drop it again, or mlops withdraw FILE"
    )
