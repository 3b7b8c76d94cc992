"""Residuals are counted whole, with the same bars for all models."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.gate.residuals import residuals

NUMBERS = st.floats(-1e12, 1e12)


def test_says_how_far_off_and_which_way() -> None:
    truths = np.zeros(100)
    found = residuals(truths, {"candidate": np.arange(100.0), "champion": -np.arange(100.0)})
    assert (found["candidate"].mean, found["champion"].mean) == (49.5, -49.5)
    assert found["candidate"].median == found["champion"].median == 49.5
    assert found["candidate"].most == np.quantile(np.arange(100), 0.95)
    assert [ends[:2] for ends in found["candidate"].counts] == [ends[:2] for ends in found["champion"].counts]
    assert [rows for *_, rows in found["candidate"].counts] == [rows for *_, rows in found["champion"].counts][::-1]


def test_one_far_off_does_not_make_all_others_one_bar() -> None:
    errors = np.concatenate([np.linspace(-1, 1, 999), [1e9]])
    counts = residuals(np.zeros(1000), {"candidate": errors})["candidate"].counts
    assert max(rows for *_, rows in counts) < 100
    assert counts[-1][2] > 1, "the last bar has it, too"


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=50))
def test_every_row_is_counted_once(pairs: list[tuple[float, float]]) -> None:
    truths, answers = np.array(pairs).T
    found = residuals(truths, {"candidate": answers})["candidate"]
    assert sum(rows for *_, rows in found.counts) == len(pairs)
    assert all(low < high for low, high, _ in found.counts)
    assert found.median <= found.most
