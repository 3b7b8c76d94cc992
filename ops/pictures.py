"""The pictures of a run's page, as SVG in the page's own colours. The same numbers make the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup
from markupsafe import escape as as_html

from domain.measures import EVERY, Measure, Unit, by_unit, significant, told
from domain.printable import printable

# Okabe and Ito's palette, which the colour-blind can tell apart ("Color Universal Design", 2008).
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 620, 240, 52, 130, 14, 34
# An axis spans at least this share of its largest value, so that a difference of nothing does not look like a cliff.
_LEAST_SPAN: Final = 0.05
_LONGEST_NAME, _CHARACTER = 18, 7
# From here on the digits of a number would not fit beside a chart.
_LARGE: Final = 1e6
_ON_VALIDATION: Final[dict[Unit, str]] = {"fraction": "Validation by step", "target": "Validation errors by step"}
# Beyond this many labels a cell is a shade without a number, and names stand beside the first and last only.
MOST_NAMED: Final = 14


@dataclass(frozen=True)
class Curve:
    """One line of a chart: its name and (step, value) points in order of steps; `measure` is None of a loss."""

    name: str
    points: tuple[tuple[float, float], ...]
    measure: Measure | None = None

    def shown(self, value: float, digits: int) -> str:
        """A value of it, a fraction with so many decimals."""
        return self.measure.shown(value, digits) if self.measure else told(value, digits)


def curves(training: dict[str, Any]) -> list[tuple[str, list[Curve]]]:
    """(title, curves) of each chart that a receipt's `training.curves` give; [] if it has none."""
    points: list[dict[str, float]] = training.get("curves") or []

    def named(key: str, name: str, measure: Measure | None = None) -> Curve:
        return Curve(name, tuple((point["step"], point[key]) for point in points if key in point), measure)

    charts = [("Loss by step", [named("loss", "training"), named("validation_loss", "validation")])]
    # A kind's last measure first, in the first colour: for labels macro-F1, by which the best step is chosen.
    for unit, measures in by_unit(reversed(EVERY)).items():
        lines = [named(f"validation_{measure.key}", measure.name, measure) for measure in measures]
        charts.append((_ON_VALIDATION[unit], lines))
    return [(title, drawn) for title, lines in charts if (drawn := [line for line in lines if line.points])]


def chart(title: str, lines: Sequence[Curve]) -> Markup:
    """A line chart with its axes' ends, name and last value beside each line, and the same as text alternative."""
    steps = [step for line in lines for step, _ in line.points]
    values = [value for line in lines for _, value in line.points]
    low, high = min(values), max(values)
    # What is counted in the target's unit may be small as a matter of course.
    small = all(line.measure and line.measure.unit == "target" for line in lines)
    size = max(abs(low), abs(high)) if small else max(abs(low), abs(high), 0.01)
    missing = max(_LEAST_SPAN * (size or 1.0) - (high - low), 0)
    low, high = low - missing / 2, high + missing / 2
    first, last = min(steps), max(steps)

    def x(step: float) -> float:
        # A single point stands where a curve would end.
        share = (step - first) / (last - first) if last > first else 1
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(_TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM), 1)

    said = "; ".join(f"{line.name} ends at {line.shown(line.points[-1][1], 4)}" for line in lines)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{_text(f"{title}: {said}")}">',
        f'<path class="axis" d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}"/>',
        *(
            f'<text x="{_LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{_short_number(value)}</text>'
            for value in (low, (low + high) / 2, high)
        ),
        *(
            f'<text x="{x(step)}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{step:g}</text>'
            for step in sorted({first, last})
        ),
    ]
    names = _apart([y(line.points[-1][1]) for line in lines])
    for line, colour, at in zip(lines, COLOURS, names, strict=False):
        path = " ".join(f"{x(step)},{y(value)}" for step, value in line.points)
        end = x(line.points[-1][0])
        dot = f'<circle cx="{end}" cy="{y(line.points[-1][1])}" r="3" fill="{colour}"/>'
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dot}')
        value = line.points[-1][1]
        name = f"{line.name} {_short_number(value) if abs(value) >= _LARGE else line.shown(value, 3)}"
        parts.append(f'<text x="{end + 8}" y="{at + 4}" fill="{colour}" class="name">{_text(name)}</text>')
    return Markup("".join([*parts, "</svg>"]))


def matrix(title: str, counts: Sequence[Sequence[Any]]) -> Markup:
    """A confusion matrix of (label, answer, rows): a row a label, a column an answer, shaded by share of the label."""
    names = sorted({str(name) for label, answer, _ in counts for name in (label, answer)})
    place = {name: number for number, name in enumerate(names)}
    support = dict.fromkeys(names, 0)
    for label, _, rows in counts:
        support[label] += rows
    named = len(names) <= MOST_NAMED
    cell = 44 if named else max(5, 420 // len(names))
    left, top = (150, 26) if named else (10, 26)
    size = cell * len(names)
    short = {name: _short(printable(name)) for name in names}
    # Names of columns hang at an angle of 35 degrees: so far they reach to the right and down.
    reach = _CHARACTER * max(map(len, short.values())) if named else 0
    width, height = left + size + round(0.82 * reach) + 12, top + size + round(0.57 * reach) + 24
    right = sum(rows for label, answer, rows in counts if label == answer)
    said = f"{title}: {right} of {sum(support.values())} rows right, over {len(names)} labels"
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{_text(said)}" style="max-width:{width}px">',
        f'<text x="{left}" y="14">{_text(title)}</text>',
        f'<rect x="{left}" y="{top}" width="{size}" height="{size}" class="frame"/>',
    ]
    for label, answer, rows in counts:
        share = rows / support[label]
        x, y = left + place[answer] * cell, top + place[label] * cell
        colour = COLOURS[0] if label == answer else COLOURS[1]
        hint = f"<title>{_text(f'{label} answered as {answer}: {rows} of {support[label]}')}</title>"
        shade = f'fill="{colour}" fill-opacity="{0.12 + 0.88 * share:.2f}"'
        parts.append(f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" {shade}>{hint}</rect>')
        if named:
            ink = "light" if share > 0.5 else "dark"
            parts.append(
                f'<text x="{x + cell / 2}" y="{y + cell / 2 + 4}" text-anchor="middle" class="{ink}">{rows}</text>'
            )
    if named:
        for name, number in place.items():
            middle, shown = number * cell + cell / 2, _text(short[name])
            parts.append(f'<text x="{left - 6}" y="{top + middle + 4}" text-anchor="end">{shown}</text>')
            slant = f'transform="rotate(35 {left + middle} {top + size + 14})"'
            parts.append(f'<text x="{left + middle}" y="{top + size + 14}" {slant}>{shown}</text>')
    return Markup("".join([*parts, "</svg>"]))


def histogram(title: str, counts: Sequence[Sequence[float]]) -> Markup:
    """Bars of (from, to, rows), the highest as high as the picture, with the axis's ends and its middle."""
    most = max(rows for _, _, rows in counts)
    wide = (_WIDTH - _LEFT - _RIGHT) / len(counts)
    ground = _HEIGHT - _BOTTOM
    low, high = counts[0][0], counts[-1][1]
    said = f"{title}: {sum(rows for _, _, rows in counts):g} rows from {_short_number(low)} to {_short_number(high)}"
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{_text(said)}">',
        f'<path class="axis" d="M{_LEFT} {_TOP}V{ground}H{_WIDTH - _RIGHT}"/>',
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end">{most:g}</text>',
    ]
    for place, (start, end, rows) in enumerate(counts):
        height = round(rows / most * (ground - _TOP), 1)
        hint = f"<title>{_short_number(start)} to {_short_number(end)}: {rows:g}</title>"
        at = f'x="{_LEFT + place * wide + 1:.1f}" y="{ground - height:.1f}" width="{wide - 2:.1f}" height="{height}"'
        parts.append(f'<rect {at} fill="{COLOURS[0]}">{hint}</rect>')
    for share, value in ((0, low), (0.5, (low + high) / 2), (1, high)):
        x = round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)
        parts.append(f'<text x="{x}" y="{ground + 18}" text-anchor="middle">{_short_number(value)}</text>')
    return Markup("".join([*parts, "</svg>"]))


def mistakes(counts: Sequence[Sequence[Any]], most: int = 15) -> list[tuple[str, str, int]]:
    """The most frequent (label, answer, rows) that are wrong, most frequent first."""
    wrong = [(str(label), str(answer), int(rows)) for label, answer, rows in counts if label != answer]
    return sorted(wrong, key=lambda item: (-item[2], item[0], item[1]))[:most]


def _text(text: str) -> Markup:
    return as_html(printable(text))


def _short_number(value: float) -> str:
    """Three significant digits in at most seven characters or so: 0.693, 12346, 1.52e8."""
    return f"{value:.2e}".replace("e+0", "e").replace("e+", "e") if abs(value) >= _LARGE else significant(value, 3)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _apart(places: Sequence[float], least: float = 15) -> list[float]:
    """The same places, moved so that no two names overlap."""
    moved = dict.fromkeys(range(len(places)), 0.0)
    before = -least
    for number in sorted(moved, key=lambda item: places[item]):
        before = moved[number] = max(places[number], before + least)
    return [moved[number] for number in range(len(places))]
