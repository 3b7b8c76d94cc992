"""Choosing a held source by what a person sees of it."""

from __future__ import annotations

import pytest

from domain.data.dataset import Hold, Source
from ops.errors import NotFound, Unusable
from ops.held import find

ONE = Hold(Source("aaaa1111", "landing/a.csv", "e", "2026-11-22T10:00:00+00:00"), "r1", "worse")
TWO = Hold(Source("aaaa2222", "landing/sub/a.csv", "e", "2026-11-22T11:00:00+00:00"), "r1", "worse")
HELD = {hold.source.source: hold for hold in (ONE, TWO)}


@pytest.mark.parametrize("what", ["aaaa1", "landing/a.csv"])
def test_by_id_or_key(what: str) -> None:
    assert find(HELD, what) is ONE


def test_what_fits_two_is_refused() -> None:
    with pytest.raises(Unusable, match="aaaa1111, aaaa2222"):
        find(HELD, "aaaa")


def test_what_is_not_held_is_said_so() -> None:
    with pytest.raises(NotFound):
        find(HELD, "b.csv")
