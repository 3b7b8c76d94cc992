"""`make explore`: every story, with what was seen, or the steps to the first broken promise.

All of them together write docs/explore.md, if every promise was kept.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.explorer.explorer import Explorer
from tests.explorer.promises import Violation
from tests.explorer.stories import HANDLERS, LONG, SHORT, VARIABLES
from tests.stacks.synth import synthesize

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explore.md"
_HEAD = """# Every interleaving

`make explore` runs the real Claim, Settle, Prepare, Announce, Redeploy, Verify, Promote, Release and Reconcile and the
synthesized state machine on the real ledger code, with services and a clock in memory. Of each story it visits every
state that some order of the steps can reach: *every call* takes turns at each call of a service, *every function* at
each function's end. A fault is a function that is killed at any of its calls, an execution that is aborted, an event
that is repeated or lost. A *rollback* is a person's order to go back to a former model, a *promote* one to let a model
go live that the gate kept out; both are to replace the same champion.

In every state no two executions are between Claim and Release, and none starts a run on what a dead one left live. At
every end the claim is free, every file and request is concluded, and of every broken execution a person was told; only
where an event itself was lost may that take the daily sweep. Of two orders at most one moves the champion; each is
carried out, or a person was told why not; and what is live is the champion. `tests/explorer/test_promises.py` breaks
the functions on purpose, and holds that the explorer sees it.
"""


def main() -> int:
    """Explore the stories whose name contains the argument (all without one); 1 if a promise is broken."""
    wanted = " ".join(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        definition = synthesize(Path(folder) / "out").definition()
    print(f"{'story':56}{'states':>12}{'steps':>12}{'ends':>7}{'by sweep':>10}{'seconds':>9}", flush=True)
    rows, broken = [], False
    for name, story in {**SHORT, **LONG}.items():
        if wanted in name:
            begun = time.monotonic()
            try:
                seen = Explorer(definition, VARIABLES, HANDLERS).explore(story)
            except Violation as violation:
                print(f"{name}: {violation}", flush=True)
                broken = True
            else:
                took = time.monotonic() - begun
                line = f"{name:56}{seen.states:12,}{seen.transitions:12,}{seen.ends:7,}{seen.needed_sweep:10,}"
                print(f"{line}{took:9.0f}", flush=True)
                numbers = (seen.states, seen.transitions, seen.ends, seen.needed_sweep, round(took))
                rows.append(f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} |")
    if not wanted and not broken:
        PAGE.write_text(_page(rows), encoding="utf-8")
    return int(broken)


def _page(rows: list[str]) -> str:
    played = f"Explored on {datetime.now(UTC):%Y-%m-%d}, all promises kept:"
    table = ["| story | states | steps | ends | of these by the sweep | seconds |", "|---|---|---|---|---|---|", *rows]
    return "\n".join([_HEAD, played, "", *table, ""])


if __name__ == "__main__":
    sys.exit(main())
