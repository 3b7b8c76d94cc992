"""`make data-report`: what keeps the data honest and what deriving it costs, as `docs/data.md`."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.reports import growth, speed

PAGE: Final = Path("docs/data.md")
SIZES: Final = (10, 100, 1_000)


def page(sizes: tuple[int, ...]) -> str:
    """The report, in Markdown."""
    measured = f"on {datetime.now(UTC):%Y-%m-%d}, on {os.cpu_count()} cores of {platform.machine()}"
    head = (
        f"# Splits that data cannot leak through, and what deriving costs\n\nMeasured by `make data-report` {measured}."
    )
    return f"{head}\n\n{growth.section()}\n{speed.section(sizes)}"


def main() -> None:
    """Print the page and write it; with sizes in MB as arguments, print it for those alone."""
    os.environ |= {"POWERTOOLS_SERVICE_NAME": "measured", "POWERTOOLS_METRICS_NAMESPACE": "measured"}
    given = tuple(int(size) for size in sys.argv[1:])
    text = page(given or SIZES)
    if not given:
        PAGE.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
