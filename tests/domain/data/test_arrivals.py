"""The same content under its key is one source: that of its first arrival, with the time that it had then."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from domain.data.dataset import Source, current
from ledger.arrivals import Arrivals, arrived
from ledger.items import Items
from tests.explorer.table import Table

# A key, a content, and which of several ETags the content comes with this time.
drops = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 1)), max_size=12)


@dataclass
class World:
    """Landing, whose objects are read as soon as they are there."""

    arrivals: Arrivals = field(default_factory=lambda: Arrivals(Items(Table())))
    landing: dict[str, Source] = field(default_factory=dict)
    minute: int = 0

    def drop(self, key: str, content: str, etag: int) -> None:
        self.minute += 1
        landed = Source.of(f"landing/{key}", f"{content}{etag}", f"2026-01-01T00:{self.minute:02}")
        self.landing[key] = landed
        self.arrivals.settle(landed, self.arrivals.first(landed, content))

    def dataset(self) -> list[Source]:
        return current(arrived(self.landing.values(), self.arrivals.all()), {})


@given(drops, drops)
def test_what_is_dropped_again_changes_nothing(history: list[tuple[str, str, int]], later: list[int]) -> None:
    world = World()
    for drop in history:
        world.drop(*drop)
    before, contents = world.dataset(), {key: content for key, content, _ in history}
    for number, _ in enumerate(later):
        for key, content in contents.items():
            world.drop(key, content, number % 2)
            assert world.dataset() == before


@given(drops)
def test_a_content_has_its_first_time_whatever_came_between(history: list[tuple[str, str, int]]) -> None:
    world, first = World(), dict[tuple[str, str], str]()
    for key, content, etag in history:
        world.drop(key, content, etag)
        first.setdefault((key, content), world.landing[key].last_modified)
    contents = {f"landing/{key}": (key, content) for key, content, _ in history}
    assert {one.key: one.last_modified for one in world.dataset()} == {
        key: first[name] for key, name in contents.items()
    }


def test_what_was_begun_and_not_ended_is_counted_for_exactly_that_object() -> None:
    world = World()
    landed = Source.of("landing/a", "e", "2026-01-01")
    assert world.arrivals.all() == {}
    for tries in (1, 2):
        world.arrivals.begin(landed, tries)
        arrival = world.arrivals.all()[landed.key]
        assert (arrival.tries_at(landed), arrival.known_as(landed)) == (tries, landed)
    anew = Source.of("landing/a", "e", "2026-01-02")
    assert arrival.tries_at(anew) == 0
    world.arrivals.settle(landed, landed)
    assert world.arrivals.all()[landed.key].tries_at(landed) == 0
    world.arrivals.forget(landed.key)
    assert world.arrivals.all() == {}


def test_an_object_of_another_content_is_itself_until_it_was_read() -> None:
    world = World()
    world.drop("a", "x", 0)
    other = Source.of("landing/a", "y0", "2026-02-01")
    assert arrived([other], world.arrivals.all()) == [other]
