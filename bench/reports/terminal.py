"""`make terminal-picture`: what `mlops runs` and `mlops explain` show of the demo becomes docs/terminal.svg."""

from __future__ import annotations

import io
import re
from typing import Final

from rich.console import Console

from local.cloud import LocalCloud
from ops import explain, runs
from ops.bootstrap import ROOT
from ops.console import PlainConsole, make_console
from ops.demo import plays
from ops.demo.run import demo
from ops.deployment import Deployment

PICTURE: Final = ROOT / "docs" / "terminal.svg"
_WIDTH: Final = 128
_DROPS: Final = 4
# Rich's drawing names a font of another site, which a page must not fetch; a browser takes its own instead.
_FOREIGN_FONT: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def keep(cloud: LocalCloud) -> None:
    """Draw what the two commands show on `cloud` after the demo: its runs, and the second one."""
    console = PlainConsole(record=True, file=io.StringIO(), width=_WIDTH, force_terminal=True, color_system="truecolor")
    show(Deployment.on(cloud, plays.of().project), console)
    drawing = console.export_svg(title="Automate MLOps")
    PICTURE.write_text(_FOREIGN_FONT.sub("", drawing), encoding="utf-8")


def show(deployment: Deployment, console: Console) -> None:
    """Print both commands and what they print."""
    console.print("$ mlops runs")
    console.print(runs.table(deployment, _DROPS))
    second = deployment.ledger.runs()[-_DROPS + 1]
    console.print(f"$ mlops explain {second.run[:8]}")
    explain.explain(deployment, second.run, console)


if __name__ == "__main__":
    demo(make_console(), plays.of(), keep=False, after=keep)
