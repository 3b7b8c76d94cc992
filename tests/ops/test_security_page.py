"""docs/security.md names a test for what it says is stopped, and each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
TEXT = PAGE.read_text(encoding="utf-8")
LINKED = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", TEXT)
ROWS = [line for line in TEXT.splitlines() if re.match(r"\| (?!who \|)", line)]


@pytest.mark.parametrize(("name", "path"), LINKED, ids=[name for name, _ in LINKED])
def test_a_linked_test_exists(name: str, path: str) -> None:
    file = (PAGE.parent / path).resolve()
    assert file.is_relative_to(ROOT / "tests")
    assert re.search(rf"^def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE)


def test_what_is_said_to_be_stopped_has_a_test() -> None:
    assert len(ROWS) > 15
    without = [row for row in ROWS if "](../tests/" not in row.split("|")[3] and "nothing:" not in row]
    assert without == []


def test_every_test_that_is_named_is_linked() -> None:
    assert sorted(re.findall(r"`(test_\w+)`", TEXT)) == sorted(name for name, _ in LINKED)


def test_it_is_one_page_and_is_found() -> None:
    assert len(TEXT.splitlines()) < 80
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/security.md)" in readme
    assert "(SECURITY.md)" in readme
    assert "(docs/security.md)" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
