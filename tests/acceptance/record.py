"""What AWS itself confirmed, with its date: docs/validated.json, and the page that is made of it.

Only a run on an account adds a record; none is ever replaced, and a local run writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ops.deployment import ROOT
from tests.acceptance.words import NOT_PROVOKED, PROVOKED, Words

RECORDS = ROOT / "docs" / "validated.json"
PAGE = ROOT / "docs" / "validated.md"
# What no run has met at AWS, and no local cloud has: what answered instead is in this project's own tests.
STAND_INS = (
    ("Service Quotas: names, codes, pages, defaults, refusals", "tests/ops/quotas_stand_in.py, a small HTTP server"),
    (
        "SNS: what it lists of a mail address that is not confirmed",
        "botocore's Stubber, in tests/ops/doctor/test_mail.py",
    ),
    (
        "Docker, Node and the CDK's CLI that are missing, old or broken",
        "scripts on the PATH, in tests/ops/doctor/test_programs.py",
    ),
    ("the statuses of a stack whose deploy failed", "the words themselves, in tests/ops/doctor/test_deployed.py"),
    ("ECR's answer about an OCI manifest", "the local cloud's ECR, which hands back what a test put there"),
)


class NotAwsError(Exception):
    """Only what AWS said may be written down as validated."""


@dataclass
class Notebook:
    """What a run saw, as it goes on; pytest tells it how each test ended."""

    facts: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test failed if any of its three phases did."""
        name = report.nodeid.rpartition("::")[2]
        if report.when == "call" or report.failed:
            self.tests[name] = "failed" if report.failed or self.tests.get(name) == "failed" else report.outcome


@dataclass(frozen=True)
class Record:
    """One run on an account: nothing in it names the account."""

    kind: str
    date: str
    region: str
    commit: str
    tests: dict[str, str]
    facts: dict[str, str]
    words: dict[str, str]


def add(record: Record, records: Path = RECORDS, page: Path = PAGE) -> None:
    """Write a record behind the others, and the page anew. Raises NotAwsError for a run on the local cloud."""
    if record.kind != "aws":
        raise NotAwsError(f"a run on the {record.kind} cloud validates nothing about AWS")
    kept = [*read(records), asdict(record)]
    records.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write_text(render(kept), encoding="utf-8")


def read(records: Path = RECORDS) -> list[dict[str, Any]]:
    """The records, oldest first."""
    found: list[dict[str, Any]] = json.loads(records.read_text(encoding="utf-8"))
    return found


def render(records: Sequence[dict[str, Any]]) -> str:
    """The page."""
    lines = ["# What AWS itself confirmed", ""]
    if records:
        lines += [
            "By `make acceptance` with `ACCEPT_AWS=1`, newest first. All else was seen on the local cloud at most.",
            "",
        ]
    else:
        lines += [
            "**Nothing yet: no one has run this project on AWS.** Everything that the other pages say was seen on the "
            "local cloud.",
            "",
            "The story of `make acceptance` (a drop goes live, a better model takes its place, a poisoned drop changes "
            "nothing, everything is destroyed) runs on the local cloud in `make test-slow`. Whoever has an account can "
            "run it there, and this page then says what held and when:",
            "",
            "    ACCEPT_AWS=1 ACCEPT_ACCOUNT=<its 12 digits> make acceptance",
            "",
        ]
    for record in reversed(records):
        lines += _section(record)
    lines += ["## Texts that the code looks for in AWS's errors", ""]
    lines += ["| text | in | AWS was asked | AWS answered |", "|---|---|---|---|"]
    lines += [_row(provoked.words, records) for provoked in PROVOKED]
    lines += [_row(words, []) for words in NOT_PROVOKED]
    lines += [
        "",
        "The last ones no run provokes: it would take an account without a quota, a lack of capacity, or a mail to a "
        "stranger.",
        "",
        "## Tried only against a stand-in of ours",
        "",
        "| what | what answered |",
        "|---|---|",
        *(f"| {what} | {answered} |" for what, answered in STAND_INS),
    ]
    return "\n".join(lines) + "\n"


def key(words: Words) -> str:
    """What a record calls a text."""
    return f"{words.file}: {words.when}"


def _section(record: dict[str, Any]) -> list[str]:
    failed = [name for name, outcome in record["tests"].items() if outcome != "passed"]
    passed = len(record["tests"]) - len(failed)
    ended = f"{passed} of {len(record['tests'])} tests passed" + (f"; not: {', '.join(failed)}" if failed else "")
    lines = [f"## {record['date']}, {record['region']}", "", f"Commit {record['commit']}; {ended}.", ""]
    lines += [
        "| measured | |",
        "|---|---|",
        *(f"| {what} | {_cell(value)} |" for what, value in record["facts"].items()),
    ]
    return [*lines, ""]


def _row(words: Words, records: Sequence[dict[str, Any]]) -> str:
    text = f"`{words.text}`"
    answers = [(record["date"], record["words"][key(words)]) for record in records if key(words) in record["words"]]
    answered = f"{answers[-1][0]}: {_cell(answers[-1][1])}" if answers else "not asked yet"
    return f"| {text} | {words.file} | {words.when} | {answered} |"


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
