"""What is held when a person goes back: all that the model was trained without, and nothing by another reason."""

from __future__ import annotations

from domain.data.dataset import Hold, Source, current, holds_beyond


def source(name: str, content: int = 1) -> Source:
    return Source.of(f"landing/{name}", f"e{content}", f"2026-01-0{content}T00:00:00+00:00")


KEPT, CHANGED, NEW, BAD = source("kept"), source("changed", 2), source("new"), source("bad")
ACCEPTED = [KEPT, source("changed", 1)]


def hold(landed: list[Source], held: dict[str, Hold] | None = None) -> dict[str, Hold]:
    found = holds_beyond("order", "why", 1, landed, held or {}, ACCEPTED)
    return {one.source.key: one for one in found}


def test_what_the_version_lacks_is_held_and_what_it_had_stands_in() -> None:
    holds = hold([KEPT, CHANGED, NEW])
    assert set(holds) == {CHANGED.key, NEW.key}
    assert (holds[NEW.key].predecessor, holds[CHANGED.key].predecessor) == (None, ACCEPTED[1])
    assert (holds[NEW.key].run, holds[NEW.key].reason) == ("order", "why")


def test_then_the_dataset_is_the_versions_again() -> None:
    landed = [KEPT, CHANGED, NEW]
    after = {one.source.source: one for one in hold(landed).values()}
    assert current(landed, after) == sorted(ACCEPTED, key=lambda one: (one.last_modified, one.key))


def test_what_is_held_already_keeps_its_reason() -> None:
    unusable = Hold(BAD, None, "rejected whole: no rows")
    assert hold([KEPT, BAD], {BAD.source: unusable}) == {}


def test_what_stands_in_for_it_goes_if_the_version_has_not_got_that_either() -> None:
    first, second = source("late", 1), source("late", 2)
    gate = Hold(second, "run", "it did harm", first)
    assert hold([second], {second.source: gate}) == {
        second.key: Hold(second, "run", "it did harm", None),
    }
    again = Hold(CHANGED, "run", "it did harm", ACCEPTED[1])
    assert hold([CHANGED], {CHANGED.source: again}) == {}, "that is what it had"


def test_a_hold_of_a_file_that_was_overwritten_since_does_not_count() -> None:
    assert set(hold([NEW], {source("new", 2).source: Hold(source("new", 2), "run", "old")})) == {NEW.key}
