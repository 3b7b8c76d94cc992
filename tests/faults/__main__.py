"""`python -m tests.faults [BEGINNING OF A NAME…]`: play the matrix, print it, and write docs/faults.md.

Without arguments all of it is played, and the page is written if all has held. With some, the cases whose name begins
with one of them are played, and nothing is written. Each core has a local cloud of its own, and plays its share.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.case import Result
from tests.faults.cases import CASES
from tests.faults.players import played
from tests.faults.report import line, write

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"


def main(names: list[str]) -> int:
    """Play the cases whose name begins with one of `names` (all, without any); 1 if something did not hold."""
    chosen = [case for case in CASES if not names or case.name.startswith(tuple(names))]
    results: dict[str, Result] = {}
    for result in played(chosen, clouds=min(os.cpu_count() or 1, len(chosen))):
        results[result.case.name] = result
        print(f"{len(results):3}/{len(chosen)} {line(result)}", flush=True)
        for broken in result.broken:
            print(f"        BROKEN {broken}", flush=True)
    in_order = [results[case.name] for case in chosen if case.name in results]
    failed = len(chosen) - sum(not result.broken for result in in_order)
    asked = sum(result.answers for result in in_order)
    print(f"{len(chosen)} cases, {failed} broken; {asked} answers of the live model")
    if not names and not failed:
        write(PAGE, in_order, f"{datetime.now(UTC):%Y-%m-%d}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
