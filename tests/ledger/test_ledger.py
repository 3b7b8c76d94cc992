"""The ledger on a real table: every write may come twice, and a conditional one finds its own earlier write.

The same tests run on the table in memory that the explorer of the machine uses (tests/explorer), which proves it equal.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from domain.data.dataset import Hold, Source, valid_in
from domain.errors import Superseded
from domain.state import Approval, Champion, Claim, Run, Seal
from ledger.ledger import Ledger
from tests.lambdas.project import passed

RUN = Run("0123456789ab", "d1", 1, "arn:1", "drop", "2026-01-01", artifact="s3://b/m1")
NEXT = Run("ba9876543210", "d2", 1, "arn:2", "drop", "2026-01-02", artifact="s3://b/m2", champion_version=1)


def _hold(source: str) -> Hold:
    return Hold(Source(source, f"landing/{source}", "etag", "then"), RUN.run, "it did harm")


@pytest.fixture
def ledger(empty: Ledger) -> Ledger:
    empty.claim("owner", "now")
    return empty


def test_what_is_handed_over_is_taken_up_by_the_heir_alone(ledger: Ledger) -> None:
    assert ledger.hand_over("owner", "successor", "now")
    assert ledger.hand_over("owner", "successor", "again"), "its own earlier write is a success"
    assert not ledger.hand_over("owner", "another", "now")
    reserved = Claim("successor", reserved=True, recover=True)
    assert ledger.claim("other", "now") == reserved
    for _ in range(2):
        assert ledger.claim("successor", "now") == Claim("successor", recover=True)
    assert not ledger.take_over(reserved, "other", "now"), "it has been taken up since it was looked at"
    assert ledger.take_over(Claim("successor", recover=True), "other", "now")
    assert ledger.claim("other", "now") == Claim("other", recover=True)


def test_what_is_reserved_for_an_heir_that_never_starts_can_be_taken_over(ledger: Ledger) -> None:
    ledger.hand_over("owner", "successor", "now")
    assert ledger.take_over(Claim("successor", reserved=True, recover=True), "other", "now")
    assert ledger.claim("successor", "now") == Claim("other", recover=True)
    ledger.release("other")
    assert ledger.claim("successor", "now") == Claim("successor")


def test_the_first_promotion_makes_a_champion(ledger: Ledger) -> None:
    assert ledger.champion() is None
    ledger.promote("owner", passed(RUN), "now")
    assert ledger.champion() == Champion(RUN.run, "d1", 1, 1, "now", seal=passed(RUN).seal)


def test_a_promotion_counts_on_from_the_one_judged_against(ledger: Ledger) -> None:
    ledger.promote("owner", passed(RUN), "then")
    ledger.promote("owner", passed(NEXT), "now")
    assert ledger.champion() == Champion(NEXT.run, "d2", 1, 2, "now", (RUN.run,), passed(NEXT).seal)


def test_the_champion_knows_the_two_that_were_live_before_it(ledger: Ledger) -> None:
    before = []
    # The third promotion brings the first model back.
    for version, run in enumerate((RUN, NEXT, RUN, replace(NEXT, run="c" * 12), replace(NEXT, run="d" * 12))):
        ledger.promote("owner", passed(replace(run, champion_version=version)), "now")
        champion = ledger.champion()
        assert champion is not None
        before.append(champion.before)
    assert before[:3] == [(), (RUN.run,), (NEXT.run,)]
    assert before[3:] == [(RUN.run, NEXT.run), ("c" * 12, RUN.run)]


def test_a_promotion_whose_answer_was_lost_is_a_success_and_happens_once(ledger: Ledger) -> None:
    ledger.promote("owner", passed(RUN), "first")
    ledger.promote("owner", passed(RUN), "again")
    champion = ledger.champion()
    assert champion is not None
    assert (champion.version, champion.promoted_at) == (1, "first")


@pytest.mark.parametrize("judged_against", [0, 2])
def test_a_champion_other_than_the_one_judged_against_is_not_replaced(ledger: Ledger, judged_against: int) -> None:
    ledger.promote("owner", passed(RUN), "now")
    with pytest.raises(Superseded, match="the champion moved"):
        ledger.promote("owner", passed(replace(NEXT, champion_version=judged_against)), "now")
    champion = ledger.champion()
    assert champion is not None
    assert champion.run == RUN.run


def test_without_the_claim_nothing_is_promoted(ledger: Ledger) -> None:
    ledger.hand_over("owner", "successor", "now")
    with pytest.raises(Superseded, match="the claim was lost"):
        ledger.promote("owner", passed(RUN), "now")
    assert ledger.champion() is None


def test_the_first_champion_of_an_epoch_stays_its_anchor(ledger: Ledger) -> None:
    assert ledger.anchor(1) is None
    ledger.promote("owner", passed(RUN), "then")
    first = ledger.champion()
    ledger.promote("owner", passed(NEXT), "now")
    assert ledger.anchor(1) == first
    ledger.promote("owner", passed(replace(RUN, run="third", epoch=2, champion_version=2)), "later")
    anchor = ledger.anchor(2)
    assert anchor is not None
    assert (anchor.run, anchor.version, ledger.anchor(1)) == ("third", 3, first)


def test_an_attempt_counts_executions_and_a_retry_finds_what_was_written(ledger: Ledger) -> None:
    run, other = replace(RUN, execution="owner"), replace(RUN, execution="arn:2")
    assert ledger.start_run(run).attempt == 1
    ledger.save_run(replace(run, judged="promote"))
    assert ledger.start_run(run).judged == "promote", "a late retry must not wipe what was judged since"
    ledger.hand_over("owner", "arn:2", "now")
    fresh = ledger.start_run(other)
    assert (fresh.attempt, fresh.judged) == (2, None)


def test_a_dead_executions_function_does_not_write_over_what_its_heir_made(ledger: Ledger) -> None:
    late = replace(RUN, execution="owner")
    ledger.hand_over("owner", "successor", "now")
    ledger.start_run(replace(RUN, execution="successor"))
    judged = replace(RUN, execution="successor", judged="promote", artifact="s3://b/of-the-successor")
    ledger.record("successor", judged)
    with pytest.raises(Superseded):
        ledger.start_run(late)
    with pytest.raises(Superseded):
        ledger.record("owner", late)
    assert ledger.run(RUN.run) == judged


def test_a_run_comes_back_as_it_was_written(ledger: Ledger) -> None:
    run = replace(RUN, attempt=3, requests=("a", "b"), champion_version=7, judged="keep", verdict="keep", sentence="s")
    ledger.save_run(run)
    assert ledger.run(run.run) == run
    assert ledger.run("unknown") is None


def test_what_an_earlier_release_wrote_for_none_is_none(ledger: Ledger) -> None:
    """It wrote "" where there was nothing to say; a text that may be empty stays as it is."""
    texts = ("artifact", "judged", "verdict", "sentence", "package", "labels", "unregistered", "postponed", "landed")
    run = replace(RUN, reason="", artifact=None)
    item = {**asdict(run), "requests": [], **dict.fromkeys(texts, "")}
    ledger._items.write({"pk": "run", "sk": run.run, **item})
    assert (ledger.run(run.run), ledger.runs()) == (run, [run])
    assert run.closes == run.dataset
    assert not ledger.take_up(run, "arn:2"), "it does not wait for approval"
    judgement = passed(run)
    said = {"against": "", "package": "", "judged_at": "then"}
    ledger._items.write({"pk": "judgement", "sk": run.run, **asdict(judgement), **said})
    assert ledger.judgements.of(run.run) == judgement
    ledger._items.write({"pk": "approval", "sk": run.run, "run": run.run, "package": "", "archive": "", "at": "then"})
    assert ledger.judgements.approval(judgement) is None
    hold = replace(_hold("s1"), run=None)
    ledger._items.write({"pk": "held", "sk": "s1", **asdict(hold), "run": "", "again": ""})
    assert ledger.held() == {"s1": hold}
    assert valid_in(2, ledger.held()) == {}, "what could not be read is tried again in a new epoch"
    ledger._items.write({"pk": "champion", "sk": "champion", **OLD, "artifact": "", "seal": asdict(judgement.seal)})
    champion = ledger.champion()
    assert champion is not None
    assert (champion.artifact, ledger.judgements.seal(champion)) == (None, judgement.seal)
    with pytest.raises(LookupError, match=f"run {RUN.run}, does not say where an earlier release left it"):
        _ = champion.unsealed


def test_a_run_without_a_verdict_is_not_concluded(ledger: Ledger) -> None:
    ledger.save_run(RUN)
    with pytest.raises(LookupError, match=f"run {RUN.run} is not concluded"):
        ledger.conclude(RUN)
    assert ledger.conclusion(RUN.dataset) is None


def test_runs_are_listed_oldest_first(ledger: Ledger) -> None:
    for run in (NEXT, RUN):
        ledger.save_run(run)
    assert ledger.runs() == [RUN, NEXT]


def test_concluding_closes_the_dataset_and_what_was_asked(ledger: Ledger) -> None:
    for request in ("a", "b"):
        ledger.request(request, f"reason {request}", "now")
    run = replace(RUN, requests=("a",), verdict="keep")
    for _ in range(2):
        ledger.conclude(run)
        assert ledger.conclusion("d1") == "keep"
        assert ledger.requests() == {"b": "reason b"}
        assert ledger.run(run.run) == run
    assert ledger.conclusion("other") is None


def test_whoever_lost_the_claim_concludes_and_holds_nothing(ledger: Ledger) -> None:
    """A step goes on when its execution was aborted, and nobody would tell of what it concludes then."""
    ledger.record("owner", RUN)
    run, many = replace(RUN, verdict="reject"), [_hold(f"s{number}") for number in range(150)]
    for holds in (many[:1], many):
        with pytest.raises(Superseded):
            ledger.conclude(run, "somebody", holds)
    assert (ledger.run(RUN.run), ledger.held(), ledger.conclusion("d1")) == (RUN, {}, None)
    for _ in range(2):
        ledger.conclude(run, "owner", many)
    assert (ledger.run(RUN.run), ledger.conclusion("d1")) == (run, "reject")
    assert ledger.held() == {one.source.source: one for one in many}


def test_a_run_is_promoted_and_concluded_at_once_or_not_at_all(ledger: Ledger) -> None:
    ledger.record("owner", RUN)
    promoted = replace(RUN, verdict="promote")
    with pytest.raises(Superseded):
        ledger.promote("somebody", passed(RUN), "now", promoted)
    assert ledger.run(RUN.run) == RUN
    ledger.promote("owner", passed(RUN), "now", promoted)
    assert ledger.run(RUN.run) == promoted


def test_a_conclusion_holds_as_long_as_the_champion_that_it_left(ledger: Ledger) -> None:
    for run in (RUN, NEXT):
        ledger.promote("owner", passed(run), "now")
        ledger.conclude(replace(run, verdict="promote"))
        assert ledger.conclusion(run.dataset) == "promote"
    ledger.conclude(replace(RUN, run="3" * 12, dataset="d3", verdict="keep"))
    assert [ledger.conclusion(dataset) for dataset in ("d1", "d2", "d3")] == [None, "promote", "keep"]


def test_a_judgement_comes_back_as_it_was_written_and_with_the_claim_alone(ledger: Ledger) -> None:
    judgement = replace(passed(RUN), waits=True, package="arn:p")
    ledger.record("owner", RUN, judgement)
    assert (ledger.judgements.of(RUN.run), ledger.judgements.all()) == (judgement, [judgement])
    assert ledger.judgements.of(NEXT.run) is None
    with pytest.raises(Superseded):
        ledger.record("somebody", NEXT, passed(NEXT))
    assert ledger.judgements.of(NEXT.run) is None


def test_an_approval_is_of_what_was_judged_and_of_nothing_else(ledger: Ledger) -> None:
    judgement = replace(passed(RUN), package="arn:1")
    ledger.conclude(replace(RUN, judged="promote", verdict="awaiting-approval"))
    approval = Approval(RUN.run, "arn:1", judgement.seal.archive)
    for _ in range(2):
        ledger.judgements.approve(approval, "now")
    assert ledger.judgements.approval(judgement) == approval
    for other in (replace(judgement, package="arn:2"), replace(judgement, seal=passed(NEXT).seal), passed(NEXT)):
        assert ledger.judgements.approval(other) is None
    assert ledger.judgements.approved() == [RUN.run]
    ledger.conclude(replace(RUN, judged="promote", verdict="keep"))
    assert (ledger.judgements.approval(judgement), ledger.judgements.approved()) == (None, [])


def test_an_approval_of_an_earlier_release_approves_nothing(ledger: Ledger) -> None:
    ledger._items.write({"pk": "approval", "sk": RUN.run, "at": "then"})
    assert ledger.judgements.approval(passed(RUN)) is None


OLD = {"run": RUN.run, "dataset": "d1", "epoch": 1, "artifact": "s3://b/m1", "version": 1, "promoted_at": "then"}


def test_a_champion_of_an_earlier_release_is_adopted_once(ledger: Ledger) -> None:
    ledger._items.write({"pk": "champion", "sk": "champion", **OLD, "before": []})
    champion = ledger.champion()
    assert champion is not None
    assert (champion.seal, ledger.judgements.seal(champion)) == (None, None)
    for seal in (Seal("1" * 64, "2" * 64), Seal("3" * 64, "4" * 64)):
        ledger.judgements.adopt(champion, seal, "now")
        assert ledger.judgements.seal(champion) == Seal("1" * 64, "2" * 64), "the first one stays"
    assert ledger.judgements.adopted() == {RUN.run: Seal("1" * 64, "2" * 64)}
    assert ledger.judgements.seal(replace(champion, artifact="s3://b/another")) is None
    ledger.promote("owner", passed(NEXT), "now")
    promoted = ledger.champion()
    assert promoted is not None
    assert (promoted.before, ledger.judgements.seal(promoted)) == ((RUN.run,), passed(NEXT).seal)


def test_a_run_judged_again_with_another_archive_is_promoted_again(ledger: Ledger) -> None:
    ledger.promote("owner", passed(RUN), "then")
    again = replace(passed(RUN), seal=passed(NEXT).seal, champion_version=1)
    ledger.promote("owner", again, "now")
    champion = ledger.champion()
    assert champion is not None
    assert (champion.run, champion.version, champion.seal, champion.before) == (RUN.run, 2, again.seal, ())


def test_who_deploys_an_approved_run_does_not_undo_what_was_decided(ledger: Ledger) -> None:
    waiting, kept = replace(RUN, verdict="awaiting-approval"), replace(RUN, verdict="keep")
    ledger.conclude(waiting)
    assert ledger.take_up(waiting, "arn:2")
    assert ledger.run(RUN.run) == replace(waiting, execution="arn:2")
    ledger.conclude(kept)
    assert not ledger.take_up(waiting, "arn:3")
    assert ledger.run(RUN.run) == kept


def test_a_verdict_that_a_person_gives_late_is_about_the_champion_of_then(ledger: Ledger) -> None:
    ledger.promote("owner", passed(RUN), "now")
    ledger.conclude(replace(NEXT, judged="promote", champion_version=0, verdict="keep"))
    assert ledger.conclusion(NEXT.dataset) is None


def test_what_is_decided_about_a_second_model_leaves_what_the_first_one_closed(ledger: Ledger) -> None:
    waiting = [replace(RUN, run=run, judged="promote", verdict="awaiting-approval") for run in ("1" * 12, "2" * 12)]
    for run in waiting:
        ledger.conclude(run)
    ledger.promote("owner", passed(waiting[0]), "now")
    ledger.conclude(replace(waiting[0], verdict="promote"))
    ledger.conclude(replace(waiting[1], verdict="keep"))
    assert ledger.conclusion(RUN.dataset) == "promote"


def test_a_champion_that_is_judged_beside_itself_closes_its_dataset(ledger: Ledger) -> None:
    ledger.promote("owner", passed(RUN), "now")
    again = replace(RUN, judged="promote", champion_version=1)
    ledger.promote("owner", passed(again), "now")
    ledger.conclude(replace(again, verdict="promote"))
    assert ledger.conclusion(RUN.dataset) == "promote"


def test_failures_beside_an_earlier_champion_do_not_count(ledger: Ledger) -> None:
    assert [ledger.count_failure("d1", execution) for execution in ("x", "y")] == [1, 2]
    ledger.promote("owner", passed(RUN), "now")
    assert ledger.count_failure("d1", "z") == 1


def test_failures_are_counted_once_per_execution(ledger: Ledger) -> None:
    counts = [ledger.count_failure("d1", execution) for execution in ("x", "x", "y", "x", "z")]
    assert counts == [1, 1, 2, 2, 3]
    assert ledger.count_failure("d2", "x") == 1


def test_holds_come_back_as_they_were_written(ledger: Ledger) -> None:
    before, after = Source("s1", "landing/a", "1", "t1"), Source("s2", "landing/a", "2", "t2")
    holds = {"s1": Hold(before, None, "unreadable", epoch=2), "s2": Hold(after, "r", "worse", before)}
    for _ in range(2):
        for hold in holds.values():
            ledger.hold(hold)
    assert ledger.held() == holds
    for _ in range(2):
        ledger.unhold("s1")
    assert list(ledger.held()) == ["s2"]


def test_an_epoch_is_bound_by_its_first_use(ledger: Ledger) -> None:
    assert ledger.freeze_epoch(1, {"label": "a"}) == {"label": "a"}
    assert ledger.freeze_epoch(1, {"label": "b"}) == {"label": "a"}
    assert ledger.freeze_epoch(2, {"label": "b"}) == {"label": "b"}


def test_what_is_to_be_done_once_is_one_callers_turn_until_it_is_done_or_its_time_is_over(ledger: Ledger) -> None:
    assert [ledger.turn("m", now, now + 10) for now in (0, 1, 10)] == ["ours", "theirs", "theirs"]
    assert [ledger.turn("m", now, now + 10) for now in (11, 12)] == ["ours", "theirs"]
    ledger.mark("m", 1)
    assert ledger.is_marked("m")
    assert ledger.turn("m", 99, 109) == "done"


def test_listings_go_on_over_many_pages(ledger: Ledger) -> None:
    # A page ends at 1 MB.
    for number in range(15):
        ledger.save_run(replace(RUN, run=f"{number:012x}", sentence="x" * 100_000))
    assert len(ledger.runs()) == 15
