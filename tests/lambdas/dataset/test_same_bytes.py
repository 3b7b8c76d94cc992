"""The same bytes again are nothing new: whatever ETag and time they come with, no run is made of them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from rich.console import Console

from domain import layout
from domain.data.dataset import Source, holds_for
from lambdas.dataset.pending import pending
from lambdas.storage import landed, read_version
from ops.deployment import Deployment
from ops.held import in_force, release
from tests.lambdas.project import Project, reviews
from tests.lambdas.refusals import Killed, breaking, refusing
from tests.lambdas.steps.test_prepare import again, ask, conclude, names, promote

CHUNK = 5 << 20
LARGE = "text,label\n" + "".join(f"{'long ' * 900}{n},{('pos', 'neg')[n % 2]}\n" for n in range(2400))


def only(project: Project, name: str) -> Source:
    (source,) = (one for one in landed(project.env) if one.key == f"{layout.LANDING}{name}")
    return source


def drop_in_parts(project: Project, name: str, body: str, chunk: int = CHUNK) -> None:
    """As tools upload a large file: its ETag is not the MD5 of its bytes, and another one for parts of another size."""
    s3, where = project.client("s3"), {"Bucket": project.bucket, "Key": f"{layout.LANDING}{name}"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    pieces = [body.encode()[at : at + chunk] for at in range(0, len(body.encode()), chunk)]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**where, UploadId=upload, PartNumber=n, Body=piece)["ETag"]}
        for n, piece in enumerate(pieces, 1)
    ]
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})


def drop_later(project: Project, name: str, body: str, *, in_parts: bool = False) -> None:
    """Drop it in another second than what is there: S3's times are of whole seconds."""
    newest = max((source.last_modified for source in landed(project.env)), default="")
    while True:
        if in_parts:
            drop_in_parts(project, name, body)
        else:
            project.drop(name, body)
        if only(project, name).last_modified > newest:
            return
        time.sleep(0.2)


def due(project: Project) -> bool:
    return pending(project.env) is not None


def nothing_new(project: Project, dataset: str) -> None:
    prepared = again(project)
    assert (prepared["outcome"], project.dataset(prepared)) == ("nothing_new", dataset)
    assert not due(project), "no execution follows"


@pytest.mark.parametrize("in_parts", [False, True], ids=["another time", "another ETag"])
def test_dropped_again_every_night_it_starts_no_training(project: Project, in_parts: bool) -> None:
    project.drop("a.csv", reviews(40))
    drop_later(project, "b.csv", reviews(40, 20, flipped=True))
    first = ask(project.claim())
    assert names(project, first) == ["a.csv", "b.csv"]
    conclude(project, first)
    etag = only(project, "a.csv").etag
    for _night in range(2):
        drop_later(project, "a.csv", reviews(40), in_parts=in_parts)
        assert (only(project, "a.csv").etag != etag) is in_parts
        nothing_new(project, project.dataset(first))
    assert [run.run for run in project.env.ledger.runs()] == [first["run"]]


def test_known_bytes_are_not_read_again_and_leave_no_parts(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    conclude(project, ask(project.claim()))
    kept = project.contents("datasets/")
    drop_later(project, "a.csv", reviews(40), in_parts=True)
    again(project)
    assert project.contents("datasets/") == kept
    with breaking(project, "a.csv", Killed()):
        again(project)


def test_a_large_file_in_parts_of_another_size_is_the_same(project: Project) -> None:
    drop_in_parts(project, "a.csv", LARGE)
    first = ask(project.claim())
    conclude(project, first)
    etag = only(project, "a.csv").etag
    drop_in_parts(project, "a.csv", LARGE, chunk=2 * CHUNK)
    assert only(project, "a.csv").etag != etag
    nothing_new(project, project.dataset(first))


def test_back_to_an_earlier_content_is_back_to_its_place(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    drop_later(project, "b.csv", reviews(40, 20, flipped=True))
    first = ask(project.claim())
    conclude(project, first)
    drop_later(project, "a.csv", reviews(40, 100))
    second = again(project)
    assert names(project, second) == ["b.csv", "a.csv"], "a new content is a later word"
    conclude(project, second)
    for body, dataset in ((reviews(40), project.dataset(first)), (reviews(40, 100), project.dataset(second))):
        for in_parts in (True, False):
            drop_later(project, "a.csv", body, in_parts=in_parts)
            nothing_new(project, dataset)


def test_the_same_bytes_under_another_key_are_another_file(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    conclude(project, ask(project.claim()))
    project.drop("b.csv", reviews(40))
    assert names(project, again(project)) == ["a.csv", "b.csv"]


def test_what_is_held_stays_so_when_it_comes_again(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    promote(project, first)
    drop_later(project, "a.csv", reviews(40, 100, flipped=True))
    second = again(project)
    judged, accepted = (read_version(project.env, 1, project.dataset(found)).sources for found in (second, first))
    for hold in holds_for(second["run"], "worse", 1, judged, accepted):
        project.env.ledger.hold(hold)
    conclude(project, second, "reject")
    drop_later(project, "a.csv", reviews(40, 100, flipped=True), in_parts=True)
    nothing_new(project, project.dataset(first))
    (held,) = in_force(Deployment.find(project.name)).values()
    assert held.source == judged[0]
    drop_later(project, "a.csv", reviews(40), in_parts=True)
    nothing_new(project, project.dataset(first))
    assert in_force(Deployment.find(project.name)) == {}


def test_a_file_that_is_rejected_whole_is_told_once_however_often_it_comes(project: Project) -> None:
    project.drop("good.csv", reviews(40))
    ask(project.claim())
    for body in ("wrong,columns\n1,2\n", 'text,label\n"never closed,pos\n' + reviews(2000), "no suffix at all"):
        drop_later(project, "bad.csv", body)
        again(project)
        assert len(project.notifications()) == 1
        drop_later(project, "bad.csv", body, in_parts=True)
        again(project)
        assert project.notifications() == []


def test_in_a_new_epoch_the_order_is_still_that_of_the_first_arrival(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    drop_later(project, "b.csv", reviews(40, 20, flipped=True))
    conclude(project, ask(project.claim()))
    drop_later(project, "a.csv", reviews(40), in_parts=True)
    again(project)
    project.configure(data={"epoch": 2})
    prepared = again(project)
    sources = read_version(project.env, 2, project.dataset(prepared)).sources
    assert [source.key for source in sources] == ["landing/a.csv", "landing/b.csv"]
    assert layout.part(2, "train", sources[0].source) in project.listed()


@pytest.mark.parametrize("known", [True, False], ids=["known bytes", "new bytes"])
@pytest.mark.parametrize("nth", range(1, 4))
def test_killed_at_any_of_its_notes_it_comes_to_the_same(project: Project, nth: int, known: bool) -> None:
    project.drop("a.csv", reviews(40))
    conclude(project, ask(project.claim()))
    first = project.env.ledger.runs()[0].dataset
    drop_later(project, "a.csv", reviews(40 if known else 41), in_parts=True)
    project.env.ledger.release(str(project.env.ledger.claimed_by()))
    execution = project.claim()
    notes = 0

    def die(params: dict[str, Any], **_: object) -> None:
        nonlocal notes
        notes += b'"arrival"' in params["body"] or b'"content"' in params["body"]
        if notes == nth:
            notes += 1
            raise Killed

    events = project.env.ledger._table.meta.client.meta.events
    events.register("before-call.dynamodb.PutItem", die)
    try:
        with pytest.raises(Killed):
            ask(execution)
    finally:
        events.unregister("before-call.dynamodb.PutItem", die)
    prepared = ask(execution)
    assert (prepared["outcome"] == "nothing_new") is (project.dataset(prepared) == first) is known
    assert due(project) is not known
    assert project.env.ledger.held() == {}


# ---- all labels renamed -----------------------------------------------------------------------


def renamed(body: str) -> str:
    return body.replace(",pos", ",positive").replace(",neg", ",negative")


def test_a_file_with_all_labels_renamed_is_told_the_way_and_not_trained(project: Project) -> None:
    project.drop("a.csv", reviews(60))
    first = ask(project.claim())
    promote(project, first)
    for extra in range(3):
        drop_later(project, "a.csv", renamed(reviews(60 + extra)))
        nothing_new(project, project.dataset(first))
        (told,) = project.notifications()
        assert "set data.epoch to 2" in told["Message"]
        assert "'negative', 'positive' instead of 'neg', 'pos'" in told["Message"]
    project.configure(data={"epoch": 2})
    prepared = again(project)
    assert prepared["outcome"] == "train"
    assert read_version(project.env, 2, project.dataset(prepared)).labels == ("negative", "positive")


def test_released_it_is_trained_with(project: Project) -> None:
    project.drop("a.csv", reviews(60))
    promote(project, ask(project.claim()))
    drop_later(project, "a.csv", renamed(reviews(60)))
    assert again(project)["outcome"] == "nothing_new"
    release(Deployment.find(project.name), "a.csv", Console(quiet=True))
    assert again(project)["outcome"] == "train"


@pytest.mark.parametrize(
    "body",
    [renamed(reviews(60, 100)), reviews(60, flipped=True), reviews(60).replace(",pos", ",positive")],
    ids=["other rows", "known labels", "one of two"],
)
def test_what_only_looks_like_it_is_left_to_the_gate(project: Project, body: str) -> None:
    project.drop("a.csv", reviews(60))
    promote(project, ask(project.claim()))
    drop_later(project, "a.csv", body)
    assert again(project)["outcome"] == "train"


def test_known_bytes_that_could_not_be_read_for_a_new_epoch_are_taken_in_when_they_come_again(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    conclude(project, ask(project.claim()))
    project.configure(data={"epoch": 2})
    with refusing(project, key="a.csv", status=403, code="AccessDenied"):
        assert again(project)["outcome"] == "nothing_new"
    drop_later(project, "a.csv", reviews(40))
    assert again(project)["outcome"] == "train"
    assert again(project)["outcome"] == "train"
    assert project.env.ledger.held() == {}
