"""What holds however landing comes to be what it is: files dropped, overwritten and deleted in any order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain import layout
from domain.data.dataset import Source
from tests.landing import GROUPED, PLAIN, Landing, Triple, changes


class Growth(RuleBasedStateMachine):
    """Landing changes; after each change the laws hold."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.grouped = Landing(PLAIN), Landing(GROUPED)
        self.split_of_id: dict[str, str] = {}
        self.split_of_group: dict[str, str] = {}

    @rule(change=changes)
    def change(self, change: tuple[str, tuple[Triple, ...] | None]) -> None:
        for landing in (self.plain, self.grouped):
            landing.change(*change)

    @invariant()
    def no_id_ever_changes_its_split(self) -> None:
        for row, split in [one for part in self.plain.parts.values() for one in part]:
            assert self.split_of_id.setdefault(row.id, split) == split

    @invariant()
    def no_group_ever_changes_its_split(self) -> None:
        for row, split in [one for part in self.grouped.parts.values() for one in part]:
            assert row.group is not None
            assert self.split_of_group.setdefault(row.group, split) == split

    @invariant()
    def no_test_row_is_in_another_split(self) -> None:
        version = self.plain.version()
        ids = {
            split: {row.id for source in version.sources for row in self.plain.rows(source, split)}
            for split in layout.SPLITS
        }
        assert not ids["test"] & (ids["train"] | ids["validation"])
        assert not ids["train"] & ids["validation"]

    @invariant()
    def a_version_is_what_landing_is_and_not_how_it_came_to_be(self) -> None:
        afresh = Landing(PLAIN)
        for source in reversed(self.plain.objects.values()):
            rows = self.plain.parts[source.source]
            afresh.put(source, [(row.features["text"], row.label, "") for row, _ in rows])
        assert afresh.version() == self.plain.version()


TestGrowth = Growth.TestCase


@given(st.lists(changes, min_size=1), st.sampled_from(["key", "etag", "time"]))
def test_key_content_and_time_of_each_object_are_part_of_the_version(
    history: list[tuple[str, tuple[Triple, ...] | None]], changed: str
) -> None:
    landing = Landing(PLAIN)
    for change in history:
        landing.change(*change)
    before = landing.version()
    if not before.sources:
        return
    first, last = before.sources[0], before.sources[-1]
    if changed == "time":
        # A time decides by the order that it makes: touched, the first file folds last.
        touched = Source.of(first.key, first.etag, "2027")
        same = first == last
    else:
        touched = Source.of(first.key + "x", first.etag, first.last_modified)
        if changed == "etag":
            touched = Source.of(first.key, first.etag + "x", first.last_modified)
        same = False
    del landing.objects[first.key]
    landing.put(touched, [])
    assert (landing.version().dataset == before.dataset) == same
