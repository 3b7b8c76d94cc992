"""Which model `mlops rollback` means, and which scores it shows of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.state import Champion, Seal
from ops.errors import NotFound, Unusable
from ops.rollback import choose, scores_of
from tests.ops.conftest import make_receipt

SEAL = Seal("a" * 64, "b" * 64)
LIVE = Champion("cccccccccccc", "d3", 2, 3, "t3", ("bbbbbbbbbbbb", "aaaaaaaaaaaa"), SEAL)
SECOND = Champion("bbbbbbbbbbbb", "d2", 2, 2, "t2", seal=SEAL)
FIRST = Champion("aaaaaaaaaaaa", "d1", 2, 1, "t1", seal=SEAL)


def test_the_newest_that_nobody_went_back_from() -> None:
    assert choose(LIVE, [SECOND, FIRST], None) == SECOND
    assert choose(LIVE, [replace(SECOND, left=True), FIRST], None) == FIRST
    assert choose(LIVE, [replace(SECOND, epoch=1), FIRST], None) == FIRST
    assert choose(LIVE, [replace(SECOND, seal=None), FIRST], None) == FIRST


@pytest.mark.parametrize("formers", [[], [replace(SECOND, left=True)], [replace(SECOND, epoch=1)]])
def test_without_one_there_is_nothing_to_go_back_to(formers: list[Champion]) -> None:
    with pytest.raises(NotFound, match="no model before this one"):
        choose(LIVE, formers, None)


def test_one_that_is_named_may_have_been_left_before() -> None:
    left = replace(SECOND, left=True)
    assert choose(LIVE, [left, FIRST], "bbb") == left


@pytest.mark.parametrize(
    ("to", "error", "says"),
    [
        ("ccc", Unusable, "is what is live"),
        ("ddd", NotFound, "0 models that can be gone back to start with 'ddd'"),
        ("aaa", Unusable, "it is of epoch 1, and what is live of epoch 2"),
        ("bbb", Unusable, "noted no checksum"),
    ],
)
def test_one_that_cannot_be_gone_back_to_is_named_with_the_reason(to: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        choose(LIVE, [replace(SECOND, seal=None), replace(FIRST, epoch=1)], to)


def test_an_ambiguous_name_is_refused() -> None:
    with pytest.raises(NotFound, match="2 models"):
        choose(LIVE, [SECOND, replace(FIRST, run="bbbaaaaaaaaa")], "bbb")


def judged(run: str, champion: str | None) -> dict[str, Any]:
    receipt = make_receipt(champion_wrong=30 if champion else None)
    return {**receipt, "run": run, "champion": champion and {**receipt["champion"], "run": champion}}


def test_scores_are_those_of_the_newest_receipt_that_has_any() -> None:
    told = [judged("dddddddddddd", LIVE.run), judged(LIVE.run, SECOND.run), judged(SECOND.run, None)]
    live, second = scores_of(LIVE.run, told), scores_of(SECOND.run, told)
    assert live == (told[0], told[0]["gate"]["champion"]), "judged again beside a later candidate, on the same rows"
    assert second == (told[1], told[1]["gate"]["champion"])
    assert scores_of("dddddddddddd", told) == (told[0], told[0]["gate"]["candidate"])
    assert scores_of(FIRST.run, told) is None


def test_a_champion_of_another_epoch_was_not_scored_beside_a_candidate() -> None:
    receipt = judged(LIVE.run, SECOND.run)
    receipt["gate"]["champion"] = None
    assert scores_of(SECOND.run, [receipt]) is None
