"""Samples of parts: always the same rows, in bounded memory however long the part is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from domain.data.dataset import Version
from domain.data.records import Row
from lambdas.dataset.heldout_rows import counting, sample


@given(st.lists(st.tuples(st.text("abc", max_size=3), st.text("xy"))), st.integers(1, 5))
def test_the_lowest_ids_each_as_it_came_last(rows: list[tuple[str, str]], most: int) -> None:
    last = dict(rows)
    found = sample((Row(identity, {}, label) for identity, label in rows), most)
    assert {identity: row.label for identity, row in found.items()} == {
        identity: last[identity] for identity in sorted(last)[:most]
    }


def test_a_long_part_does_not_come_into_memory_whole() -> None:
    rows, bytes_each = 50_000, 1_000

    def part() -> Iterator[Row]:
        for number in range(rows):
            yield Row(f"{number * 7919 % rows:08}", {"text": f"{number:0{bytes_each}}"}, "a")

    tracemalloc.start()
    try:
        found = sample(part(), 100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert list(found) == [f"{number:08}" for number in range(100)]
    assert peak < rows * bytes_each / 50


def test_a_row_whose_last_word_is_a_label_set_aside_does_not_count_under_its_first_one() -> None:
    version = Version("d", 1, (), {}, ("a", "b"), ("stray",))
    rows = sample([Row("1", {}, "a"), Row("2", {}, "stray"), Row("1", {}, "stray"), Row("3", {}, "b")], 10)
    assert list(counting(rows, version)) == ["3"]
