"""A person's order in the ledger: what it moves, what goes on to hold after it, what does not come back by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.data.dataset import Hold, Source
from domain.errors import Superseded
from domain.state import Champion, Judgement, Order, Run
from ledger.ledger import Ledger
from tests.lambdas.project import passed

ONE = Run("111111111111", "d1", 1, "arn:1", "drop", "t1")
TWO = Run("222222222222", "d2", 1, "arn:2", "drop", "t2", champion_version=1)
BACK = Order("0000000000aa", "rollback", ONE.run, 2, "arn:aws:iam::1:user/ann", "answers are wrong", "t3")
CARRIED_OUT = Run(
    BACK.order, "d1", 1, "owner", "rollback", "t3", champion_version=2, makes_live=ONE.run, verdict="restored"
)


def hold(number: int) -> Hold:
    return Hold(Source(f"s{number:03}", f"landing/{number}", "etag", "then"), BACK.order, "it did harm")


@pytest.fixture
def ledger(empty: Ledger) -> Ledger:
    """The model of TWO is live, and that of ONE was before it; both datasets are concluded."""
    empty.claim("owner", "now")
    for run in (ONE, TWO):
        empty.promote("owner", passed(run), run.started)
        empty.conclude(replace(run, verdict="promote", judged="promote"))
    return empty


def ordered(order: Order, model: Run) -> Judgement:
    return replace(passed(model), champion_version=order.beside)


def go_back(ledger: Ledger, order: Order = BACK) -> None:
    ledger.promote("owner", ordered(order, ONE), order.at, CARRIED_OUT, order=order)
    ledger.conclude(CARRIED_OUT)


def test_an_order_is_open_until_its_run_is_concluded(ledger: Ledger) -> None:
    later = replace(BACK, order="0000000000bb", at="t4", holds=(hold(1),))
    for order in (later, BACK):
        ledger.orders.give(order)
    assert ledger.orders.open() == [BACK, later], "in the order in which they were given"
    assert ledger.orders.of(later.order) == later
    go_back(ledger)
    assert ledger.orders.open() == [later]
    assert ledger.orders.of(BACK.order) is None


def test_the_models_that_were_live_are_known_as_they_were_left(ledger: Ledger) -> None:
    first = Champion(ONE.run, "d1", 1, 1, "t1", seal=passed(ONE).seal)
    assert ledger.formers() == [first]
    go_back(ledger)
    champion = ledger.champion()
    assert champion is not None
    assert (champion.run, champion.version, champion.promoted_at, champion.before) == (ONE.run, 3, "t3", (TWO.run,))
    (left,) = ledger.formers()
    assert (left.run, left.version, left.seal, left.left) == (TWO.run, 2, passed(TWO).seal, True)
    ledger.promote("owner", ordered(replace(BACK, beside=3), TWO), "t5")
    ledger.promote("owner", passed(replace(TWO, run="333333333333", champion_version=4)), "t6")
    assert [former.left for former in ledger.formers()] == [False, False], "what came back and went otherwise is fit"


def test_after_an_order_what_was_decided_stays_decided(ledger: Ledger) -> None:
    ledger.conclude(replace(TWO, run="333333333333", dataset="d3", judged="keep", verdict="keep", champion_version=2))
    assert ledger.conclusion("d1") is None, "a promotion opens what was decided beside another champion"
    go_back(ledger)
    assert [ledger.conclusion(dataset) for dataset in ("d1", "d2", "d3", "d4")] == ["restored", "promote", "keep", None]
    again = replace(BACK, order="0000000000bb", model=TWO.run, beside=3)
    ledger.promote("owner", ordered(again, TWO), "t5", order=again)
    assert ledger.conclusion("d3") == "keep", "and so it does after one more"
    ledger.promote("owner", passed(replace(TWO, run="444444444444", champion_version=4)), "t6")
    assert [ledger.conclusion(dataset) for dataset in ("d1", "d2", "d3")] == [None, None, None]


def test_it_happens_once_and_only_to_the_champion_that_it_names(ledger: Ledger) -> None:
    for _ in range(2):
        go_back(ledger)
    champion = ledger.champion()
    assert champion is not None
    assert champion.version == 3
    late = replace(BACK, order="0000000000bb", model=TWO.run)
    with pytest.raises(Superseded, match="the champion moved"):
        ledger.promote("owner", ordered(late, TWO), "t5", order=late)


def test_without_the_claim_nothing_moves_and_nothing_is_held(ledger: Ledger) -> None:
    ledger.hand_over("owner", "successor", "now")
    order = replace(BACK, holds=tuple(hold(number) for number in range(120)))
    with pytest.raises(Superseded):
        go_back(ledger, order)
    assert ledger.held() == {}
    assert ledger.conclusion("d2") == "promote"


@pytest.mark.parametrize("files", [3, 95, 96, 250])
def test_what_it_holds_is_held_however_many_files_they_are(ledger: Ledger, files: int) -> None:
    order = replace(BACK, holds=tuple(hold(number) for number in range(files)))
    ledger.orders.give(order)
    assert ledger.orders.of(BACK.order) == order
    for _ in range(2):
        go_back(ledger, order)
    assert ledger.held() == {one.source.source: one for one in order.holds}


def test_one_that_could_not_be_carried_out_decides_nothing(ledger: Ledger) -> None:
    ledger.orders.give(BACK)
    ledger.conclude(replace(CARRIED_OUT, verdict="gave-up", sentence="VerifyFailed", landed="landed"))
    assert ledger.orders.open() == []
    assert [ledger.conclusion(dataset) for dataset in ("d1", "landed", "d2")] == [None, None, "promote"]


def test_an_orders_run_comes_back_as_it_was_written(ledger: Ledger) -> None:
    run = replace(CARRIED_OUT, by=BACK.by, landed="l1")
    ledger.save_run(run)
    assert ledger.run(run.run) == run
    assert (run.model, ONE.model) == (ONE.run, ONE.run)


def test_a_champion_that_knows_no_orders_counts_as_before(ledger: Ledger) -> None:
    """As an earlier release wrote it."""
    item = ledger._items.get({"pk": "champion", "sk": "champion"})
    assert item is not None
    del item["verdicts_since"]
    ledger._items.write(item)
    assert [ledger.conclusion(dataset) for dataset in ("d1", "d2")] == [None, "promote"]
    go_back(ledger)
    assert ledger.conclusion("d2") == "promote"
