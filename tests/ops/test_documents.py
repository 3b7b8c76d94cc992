"""The pages say what is so: commands, settings and links exist, and every page of decisions has its three parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from domain.explain import TITLES
from domain.settings import Settings
from ledger import keys
from ops import pages
from ops.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_every_command_is_in_the_readme() -> None:
    table = README.split("## Commands")[1].split("## Settings")[0]
    missing = [command.name for command in app.registered_commands if f"`{command.name}" not in table]
    assert missing == []


def test_every_setting_that_the_readme_names_exists() -> None:
    known = set(Settings.model_fields)
    for section, field in Settings.model_fields.items():
        known |= {f"{section}.{name}" for name in getattr(field.annotation, "model_fields", {})}
    table = README.split("| setting | default | meaning |")[1].split("\n\n")[0]
    named, section = set(), ""
    for cell in (line.split("|")[1] for line in table.splitlines()[1:]):
        for written in re.findall(r"`([a-z0-9_.]+)", cell):
            # Beside `gate.max_drop`, `margin` is gate.margin.
            section = written.partition(".")[0] if "." in written else section
            named.add(written if "." in written or written in known else f"{section}.{written}")
    named = {name.rstrip(".") for name in named}
    assert len(named) > 5
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize(("name", "made"), [("settings", pages.settings_page), ("commands", pages.commands_page)])
def test_a_page_that_is_made_of_code_is_up_to_date(name: str, made: Callable[[], str]) -> None:
    """`make pages` makes it anew."""
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == made()


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in index} == set()


def test_the_architecture_names_every_step() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    steps = {path.name for path in (ROOT / "lambdas" / "steps").glob("*.py")} - {"__init__.py"}
    assert {name for name in steps if f"](../lambdas/steps/{name})" not in page} == set()


def test_every_word_of_the_ledger_the_verdicts_and_the_machine_is_in_the_glossary() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = {row.split("|")[1].strip() for row in page.splitlines() if row.startswith("| ")}
    known = {word for row in words for word in re.split(r", | ", row)} | {f"{word}s" for word in words}
    kinds = {value for name, value in vars(keys).items() if name.isupper()}
    assert kinds - known == set()
    verdicts = {*TITLES, "gave-up"}
    assert {verdict for verdict in verdicts if f"`{verdict}`" not in page} == set()
    steps = {path.stem.capitalize() for path in (ROOT / "lambdas" / "steps").glob("*.py")} - {"__init__"}
    assert {step for step in steps if step not in page} == set()


def test_the_picture_is_whole() -> None:
    ElementTree.parse(ROOT / "docs" / "pipeline.svg")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_why_what_and_what_follows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.stem[:2])}. ")
    assert re.search(r"\n\n(Accepted|Replaced by \[.*\]\(.*\)), 20\d\d-\d\d-\d\d\.\n\n", text)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.stem[:2]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
