"""`python -m tests.faults [PART OF A NAME…]`: play the whole matrix, print it, and write docs/faults.md."""

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


def main(parts: list[str]) -> int:
    """Play the cases whose name holds one of `parts` (all, without any); 1 if something did not hold."""
    chosen = [case for case in CASES if not parts or any(part in case.name for part in parts)]
    results = []
    with tempfile.TemporaryDirectory() as directory, deployed(Path(directory)) as rig:
        for number, case in enumerate(chosen, 1):
            results.append(play(rig, case))
            print(f"{number:3}/{len(chosen)} {line(results[-1])}", flush=True)
            for broken in results[-1].broken:
                print(f"        BROKEN {broken}", flush=True)
    failed = sum(bool(result.broken) for result in results)
    asked = sum(result.answers for result in results)
    print(f"{len(results)} cases, {failed} broken; {asked} answers of the live model")
    if not parts and not failed:
        write(PAGE, results, f"{datetime.now(UTC):%Y-%m-%d}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
