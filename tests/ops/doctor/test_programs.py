"""The doctor on this machine: each fault is a program on the PATH that behaves so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from ops.deployment import ROOT
from ops.doctor import programs, report
from ops.doctor.finding import Finding, Level


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CDK_DOCKER", raising=False)
    return tmp_path


def install(where: Path, name: str, script: str) -> None:
    program = where / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


@pytest.mark.parametrize(
    ("script", "level"),
    [
        (None, Level.WRONG),
        ("exit 1", Level.WRONG),
        ("echo v18.20.1", Level.WRONG),
        ("echo v20.19.0", Level.WARNING),
        ("echo v24.3.0", Level.FINE),
    ],
)
def test_node(machine: Path, script: str | None, level: Level) -> None:
    if script:
        install(machine / "bin", "node", script)
    assert only(programs.node()).level is level


@pytest.mark.parametrize(
    ("script", "level"),
    [
        (None, Level.WRONG),
        ("exit 3", Level.WRONG),
        ("echo '2.1000.0 (build 0)'", Level.WARNING),
        ("echo '2.1148.1 (build 0)'", Level.FINE),
    ],
)
def test_the_cdk_is_the_pinned_one(machine: Path, script: str | None, level: Level) -> None:
    (machine / "package.json").write_text(json.dumps({"devDependencies": {"aws-cdk": "2.1148.1"}}))
    if script:
        install(machine / "node_modules" / ".bin", "cdk", script)
    assert only(programs.cdk(machine)).level is level


def test_the_cdk_of_this_project_is_the_pinned_one() -> None:
    assert only(programs.cdk(ROOT)).level is Level.FINE


@pytest.mark.parametrize(("free", "level"), [(10**8, "wrong"), (2 * 10**9, "warning"), (10**11, "fine")])
def test_the_disk(free: int, level: str) -> None:
    assert programs.judge_disk(free).level == level


def test_the_disk_of_this_machine_is_looked_at(tmp_path: Path) -> None:
    assert "GB are free" in only(programs.disk(tmp_path)).sentence


ANSWERS = 'case "$1" in version) echo "{version}";; buildx) {buildx};; esac'
BUILDX = "echo github.com/docker/buildx v0.30.1 abc"


@pytest.mark.parametrize(
    ("script", "levels"),
    [
        (None, {"daemon": "wrong"}),
        ("exit 1", {"daemon": "wrong"}),
        (ANSWERS.format(version="29.6.0 linux/amd64", buildx="exit 1"), {"daemon": "fine", "media types": "wrong"}),
        (ANSWERS.format(version="29.6.0 linux/amd64", buildx=BUILDX), {"daemon": "fine", "media types": "fine"}),
        (ANSWERS.format(version="29.6.0 linux/arm64", buildx=BUILDX), {"daemon": "warning", "media types": "fine"}),
    ],
)
def test_docker(machine: Path, script: str | None, levels: dict[str, str]) -> None:
    if script:
        install(machine / "bin", "docker", script)
    found = list(programs.docker())
    assert {finding.name: str(finding.level) for finding in found} == levels
    assert all(finding.fix for finding in found if finding.level is not Level.FINE)


def test_another_program_than_docker(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_DOCKER", "finch")
    assert "no finch on the PATH" in only(programs.docker()).sentence
    install(machine / "bin", "finch", ANSWERS.format(version="1.0 linux/amd64", buildx=BUILDX))
    assert [finding.level for finding in programs.docker()] == [Level.FINE, Level.FINE]


# ---- the report -------------------------------------------------------------------------

FOUND = [
    Finding("account", "region", Level.FINE, "us-east-1."),
    Finding("account", "[odd] name", Level.WARNING, "It may be [wrong]."),
    Finding("stack", "status", Level.WRONG, "It is not there.", "make deploy"),
]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_report_says_each_finding_and_what_mends_it(terminal: bool) -> None:
    console = Console(record=True, width=100, force_terminal=terminal, highlight=False)
    report.show(FOUND, console)
    said = console.export_text()
    for finding in FOUND:
        assert finding.name in said
        assert finding.sentence in said
    assert "→ make deploy" in said
    assert "1 fine, 1 wrong, 1 warning." in said
    assert all(line == line.rstrip() for line in said.splitlines())


def test_the_report_for_programs() -> None:
    said = json.loads(report.as_json(FOUND))
    assert said["level"] == "wrong"
    assert said["findings"][2] == {
        "area": "stack", "name": "status", "level": "wrong", "sentence": "It is not there.", "fix": "make deploy",
    }  # fmt: skip


def test_nothing_found_is_fine() -> None:
    assert report.worst([]) is Level.FINE
    assert report.summary(FOUND[:1]) == "1 fine."
