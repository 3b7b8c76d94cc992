"""`make explore`: every story, with what was seen, or the steps to the first broken promise."""
# ruff: noqa: T201

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.explorer.explorer import Explorer
from tests.explorer.promises import Violation
from tests.explorer.stories import HANDLERS, LONG, SHORT, VARIABLES
from tests.stacks.synth import synthesize


def main() -> int:
    """Explore the stories whose name contains the argument (all without one); 1 if a promise is broken."""
    wanted, broken = " ".join(sys.argv[1:]), 0
    with tempfile.TemporaryDirectory() as folder:
        definition = synthesize(Path(folder) / "out").definition()
    print(f"{'story':52}{'states':>12}{'steps':>12}{'ends':>7}{'by sweep':>10}{'seconds':>9}", flush=True)
    for name, story in {**SHORT, **LONG}.items():
        if wanted in name:
            begun = time.monotonic()
            try:
                seen = Explorer(definition, VARIABLES, HANDLERS).explore(story)
            except Violation as violation:
                print(f"{name}: {violation}", flush=True)
                broken = 1
            else:
                took = time.monotonic() - begun
                line = f"{name:52}{seen.states:12,}{seen.transitions:12,}{seen.ends:7,}{seen.needed_sweep:10,}"
                print(f"{line}{took:9.0f}", flush=True)
    return broken


if __name__ == "__main__":
    sys.exit(main())
