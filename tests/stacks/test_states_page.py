"""The picture of the state machine is the state machine's."""

from __future__ import annotations

from ops import pages
from tests.stacks.synth import Synthesized


def test_the_page_shows_the_machine_as_it_is(aws: Synthesized) -> None:
    """`make pages` makes it anew."""
    page = (pages.DOCS / "states.md").read_text(encoding="utf-8")
    assert page == pages.states_page(aws.definition())
    assert all(f'"{name}"' in page for name in aws.definition()["States"] if name != "Superseded")
