"""`python -m tests.faults [BEGINNING OF A NAME…]`: play the matrix, print it, and write docs/faults.md.

Without arguments all of it is played. With some, the cases whose name begins with one of them are played again, and
take the place of their earlier results. The page is written if everything that was played has held.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.case import Result
from tests.faults.cases import CASES
from tests.faults.matrix import play
from tests.faults.report import line, write
from tests.faults.rig import deployed

_ROOT = Path(__file__).resolve().parents[2]
PAGE, KEPT = _ROOT / "docs" / "faults.md", _ROOT / ".cache" / "faults.json"


def main(names: list[str]) -> int:
    """Play the cases whose name begins with one of `names` (all, without any); 1 if something did not hold."""
    chosen = [case for case in CASES if not names or case.name.startswith(tuple(names))]
    results = _kept() if names else {}
    with tempfile.TemporaryDirectory() as directory, deployed(Path(directory)) as rig:
        for number, case in enumerate(chosen, 1):
            result = results[case.name] = play(rig, case)
            print(f"{number:3}/{len(chosen)} {line(result)}", flush=True)
            for broken in result.broken:
                print(f"        BROKEN {broken}", flush=True)
            _keep(results)
    failed = sum(bool(results[case.name].broken) for case in chosen)
    asked = sum(results[case.name].answers for case in chosen)
    print(f"{len(chosen)} cases, {failed} broken; {asked} answers of the live model")
    held = [results[case.name] for case in CASES if case.name in results]
    if not any(result.broken for result in held):
        write(PAGE, held, len(CASES), f"{datetime.now(UTC):%Y-%m-%d}")
    return int(failed > 0)


def _kept() -> dict[str, Result]:
    """Earlier results by the case's name; those of cases that are no more are left out."""
    found = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    cases = {case.name: case for case in CASES}
    return {
        name: Result(**{**values, "case": cases[name], "broken": tuple(values["broken"])})
        for name, values in found.items()
        if name in cases
    }


def _keep(results: dict[str, Result]) -> None:
    values = {
        name: {key: value for key, value in vars(result).items() if key != "case"} for name, result in results.items()
    }
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(values, indent=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
