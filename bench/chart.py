"""The README's chart of the servers side by side, drawn from the kept figures. The same figures give the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

from bench.contenders import OURS
from bench.report import RESULTS
from ops.bootstrap import ROOT
from ops.pictures import COLOURS

CHART: Final = ROOT / "docs" / "bench.svg"
# Part, the figures' common beginning, title, and whether more is better.
_PANELS: Final = (
    ("cold_start", "cold start, ms: ", "Process start to first answer, 2 CPUs, ms", False),
    ("cold_start", "peak memory, MB: ", "Peak memory of all processes, MB", False),
    ("load", "p50, ms, on 2 CPUs: ", "Median answer, one client, 2 CPUs, ms", False),
    ("load", "answers/s, 4 clients, on 2 CPUs: ", "Answers a second, four clients, 2 CPUs", True),
)
_WIDTH, _PANEL, _ROW, _NAMES, _BARS = 940, 150, 24, 150, 120
_OTHERS: Final = "#8c959f"


def draw() -> Path | None:
    """Write the chart from `bench/results`; its path, or None if a part that it shows was never measured on 2 CPUs."""
    parts = {}
    for name in {panel[0] for panel in _PANELS}:
        path = RESULTS / f"{name}.json"
        if not path.exists():
            return None
        parts[name] = json.loads(path.read_text(encoding="utf-8"))
    panels = [(title, more, _figures(parts[part], prefix)) for part, prefix, title, more in _PANELS]
    if not all(OURS in figures for _, _, figures in panels):
        return None
    machine = parts["load"]["machine"]
    flags = " ".join(machine["flags"])
    footer = (
        f"{machine['cpu']} ({flags}), {machine['date']}; a model of DistilBERT's size, ours in int8, the others in fp32"
    )
    CHART.write_text(_svg(panels, footer), encoding="utf-8")
    return CHART


def _figures(part: dict[str, Any], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in part["figures"].items() if name.startswith(prefix)}


def _svg(panels: list[tuple[str, bool, dict[str, float]]], footer: str) -> Markup:
    said = "; ".join(
        f"{title}: {', '.join(f'{name} {value:,.0f}' for name, value in figures.items())}"
        for title, _, figures in panels
    )
    height = 2 * _PANEL + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(said)}" font-family="system-ui, -apple-system, sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (title, more, figures) in enumerate(panels):
        left, top = 20 + number % 2 * (_WIDTH // 2), 12 + number // 2 * _PANEL
        parts.append(f'<text x="{left}" y="{top + 12}" font-weight="600" fill="#1f2328">{escape(title)}</text>')
        for row, (name, value) in enumerate(figures.items()):
            parts += _bar(left, top + 24 + row * _ROW, name, value, figures, more)
    parts.append(f'<text x="20" y="{height - 12}" font-size="12" fill="#57606a">{escape(footer)}</text></svg>')
    return Markup("\n".join(parts)) + "\n"


def _bar(left: int, y: int, name: str, value: float, figures: dict[str, float], more: bool) -> list[str]:
    length = max(2.0, round(_BARS * value / max(figures.values()), 1))
    times = figures[OURS] / value if more else value / figures[OURS]
    said = f"{value:,.0f}" if name == OURS else f"{value:,.0f} (ours {times:.1f}× better)"
    colour = COLOURS[0] if name == OURS else _OTHERS
    return [
        f'<text x="{left + _NAMES - 8}" y="{y + 13}" text-anchor="end" fill="#1f2328">{escape(name)}</text>',
        f'<rect x="{left + _NAMES}" y="{y}" width="{length}" height="16" rx="2" fill="{colour}"/>',
        f'<text x="{left + _NAMES + length + 6}" y="{y + 13}" fill="#57606a">{escape(said)}</text>',
    ]
