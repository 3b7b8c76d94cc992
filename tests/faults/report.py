"""The matrix as text: a line in the terminal, a row in docs/faults.md."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.case import Result

_HEAD = """# What was broken on purpose, and what came of it

`make faults` deploys the whole stack to the local cloud, with a fault switch (`local/faults.py`) that nothing that is
deployed knows of, and a tiny prebuilt model in place of training. Before each case one model is live. Then a file is
dropped, or a person orders a rollback or a promote, while the fault is there; when all is at rest the fault is lifted,
and the sweep looks once more. A case holds if all of this is so:

- a client that asked all the while got no wrong answer and no error from the live model;
- every file that landed is concluded, no request and no order is open, and an order moved the champion once or never;
- nothing is left: no running job, no claim, no endpoint but the live one, no config or model beyond the kept three;
- what is live is what was promoted, and it answers rightly;
- a person was told of each failed execution once, of the verdict once, and in words that name the cause. (Where a
  function is killed between publishing and noting that it did, or SNS's own answer is lost, it may be twice.)

The machine's waits and the pauses between its retries are cut to a fiftieth; an attempt is given up after the second.
What the local cloud cannot show stands in docs/local-cloud.md, among it Step Functions' timeout of the machine and
`RedriveExecution`: that a redriven execution stops unless it still has the claim is tested on the ledger
(`tests/lambdas/steps/test_claim.py`).

"""


def line(result: Result) -> str:
    """One case in the terminal."""
    state = "BROKEN" if result.broken else "ok"
    return f"{state:6} {result.case.name:48} {result.verdict:8} {result.seconds:5.1f} s  {result.happened}"


def write(page: Path, results: list[Result], day: str) -> None:
    """Write the page: what a case is, and a row for each result. All of them held."""
    answers = sum(result.answers for result in results)
    minutes = sum(result.seconds for result in results) / 60
    summary = (
        f"{len(results)} cases, played on {day} on {os.cpu_count()} cores, {minutes:.0f} minutes of cases: all hold. "
        f"The client got {answers:,} answers, all right. *q*: part of `make test-e2e`, and with tables and pictures of "
        "`make test-tasks`.\n"
    )
    rows = ["| case | what goes wrong | what happened | the run ended | s |", "|---|---|---|---|---|"]
    for result in results:
        name = f"{result.case.name}{' *q*' if result.case.quick else ''}"
        happened = result.happened.replace("|", "\\|").replace("\n", " ")
        rows.append(
            f"| {name} | {result.case.fault.replace('|', ' ')} | {happened} | {result.verdict} | {result.seconds:.0f} |"
        )
    page.write_text(_HEAD + summary + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
