"""The fault switch: which call goes wrong, and that none does unless the cloud was started for it."""

from __future__ import annotations

import threading

import pytest

from local.cloud import LocalCloud, LocalCloudError
from local.faults import Call, Faults, Rule

PUT = Call("claim", "dynamodb:PutItem", '{"pk": "claim"}')


def armed(**rule: object) -> Faults:
    faults = Faults()
    faults.set([Rule.of({"do": "error", **rule})])
    return faults


def test_it_goes_wrong_from_the_nth_call_on_so_often() -> None:
    faults = armed(nth=2, times=2)
    assert [faults.meet(PUT) is not None for _ in range(5)] == [False, True, True, False, False]
    assert faults.fired() == ["error claim dynamodb:PutItem"] * 2
    always = armed(nth=2, times=0)
    assert [always.meet(PUT) is not None for _ in range(5)] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ({}, True),
        ({"caller": "claim", "operation": "dynamodb:PutItem", "match": "claim"}, True),
        ({"operation": "dynamodb:*"}, True),
        ({"caller": "release"}, False),
        ({"operation": "dynamodb:GetItem"}, False),
        ({"match": "champion"}, False),
    ],
)
def test_a_rule_is_about_the_calls_that_it_names(rule: dict[str, object], meant: bool) -> None:
    assert (armed(**rule).meet(PUT) is not None) is meant


def test_a_rule_that_says_something_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="a fault has no whne"):
        Rule.of({"do": "error", "whne": 1})
    with pytest.raises(ValueError, match=r"one of error, .*, not 'explode'"):
        Rule.of({"do": "explode"})


def test_what_is_held_goes_on_when_it_is_let_go() -> None:
    faults = armed(do="hold")
    held = threading.Thread(target=faults.wait_until_let_go)
    held.start()
    held.join(0.2)
    assert held.is_alive()
    faults.let_go()
    held.join(5)
    assert not held.is_alive()


def test_a_cloud_that_was_not_started_for_it_has_no_switch(small_cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="the fault switch is off"):
        small_cloud.faults([{"do": "error"}])
