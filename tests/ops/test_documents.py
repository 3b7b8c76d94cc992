"""The pages say what is so: commands, settings and links exist, and every page of decisions has its three parts."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from domain.config import Settings
from ops.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 250


def test_every_command_is_in_the_readme() -> None:
    table = README.split("## Commands")[1].split("## Settings")[0]
    missing = [command.name for command in app.registered_commands if f"`{command.name}" not in table]
    assert missing == []


def test_every_setting_that_the_readme_names_exists() -> None:
    known = set(Settings.model_fields)
    for section, field in Settings.model_fields.items():
        known |= {f"{section}.{name}" for name in getattr(field.annotation, "model_fields", {})}
    table = README.split("| setting | default | meaning |")[1].split("\n\n")[0]
    named = set(re.findall(r"`((?:data|training|gate|serving|operations)\.[a-z_]+)", table))
    assert len(named) > 10
    assert named <= known


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_picture_is_whole() -> None:
    ElementTree.parse(ROOT / "docs" / "pipeline.svg")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_why_what_and_what_follows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.stem[:2])}. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.stem[:2]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
