"""`python -m tests.faults [BEGINNING OF A NAME…]`: play the matrix, print it, and write docs/faults.md.

Without arguments all of it is played, and the page is written if all has held. With some, the cases whose name begins
with one of them are played, and nothing is written.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.cases import CASES
from tests.faults.matrix import play
from tests.faults.report import line, write
from tests.faults.rig import deployed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"


def main(names: list[str]) -> int:
    """Play the cases whose name begins with one of `names` (all, without any); 1 if something did not hold."""
    chosen = [case for case in CASES if not names or case.name.startswith(tuple(names))]
    results = []
    with tempfile.TemporaryDirectory() as directory, deployed(Path(directory)) as rig:
        for number, case in enumerate(chosen, 1):
            result = play(rig, case)
            results.append(result)
            print(f"{number:3}/{len(chosen)} {line(result)}", flush=True)
            for broken in result.broken:
                print(f"        BROKEN {broken}", flush=True)
    failed = sum(bool(result.broken) for result in results)
    asked = sum(result.answers for result in results)
    print(f"{len(chosen)} cases, {failed} broken; {asked} answers of the live model")
    if not names and not failed:
        write(PAGE, results, f"{datetime.now(UTC):%Y-%m-%d}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
