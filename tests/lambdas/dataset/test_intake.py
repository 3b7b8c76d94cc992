"""Prepare and single objects: one that cannot be read, or that a function dies on, is held by name and said; the rest
is used."""

from __future__ import annotations

import errno
import io
import os
import re
import tempfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from domain import layout
from domain.data.dataset import Hold
from domain.messages import Start
from lambdas.dataset.pending import pending
from lambdas.storage import landed
from ops.deployment import Deployment
from ops.held import release
from tests.lambdas.project import Project, reviews
from tests.lambdas.refusals import Killed, breaking, refusing
from tests.lambdas.steps.test_prepare import again, ask, conclude, names

OWN_KEY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


def only_hold(project: Project) -> Hold:
    (hold,) = project.env.ledger.held().values()
    return hold


def put(project: Project, name: str, body: str, **how: str) -> None:
    key = f"{layout.LANDING}{name}"
    project.client("s3").put_object(Bucket=project.bucket, Key=key, Body=body.encode(), **how)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"StorageClass": "GLACIER"}, r"\(InvalidObjectState: .*archived: restore it"),
        (OWN_KEY, r"\(InvalidRequest: .*SSE-C"),
    ],
    ids=["archived", "own key"],
)
def test_an_object_that_s3_does_not_give_out_is_held_and_the_rest_goes_on(
    project: Project, how: dict[str, str], why: str
) -> None:
    put(project, "bad.csv", reviews(10), **how)
    project.drop("good.csv", reviews(40, 40))
    prepared = ask(project.claim())
    assert (prepared["outcome"], names(project, prepared)) == ("train", ["good.csv"])
    (told,) = project.notifications()
    assert "landing/bad.csv was not used: S3 does not give it out" in told["Message"]
    assert re.search(why, only_hold(project).reason)
    conclude(project, prepared)
    assert pending(project.env) is None
    assert again(project)["outcome"] == "nothing_new"
    assert project.notifications() == [], "it is said once"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"),
        (400, "KMS.DisabledException"),
        (400, "KMS.NotFoundException"),
        (400, "KMS.KMSInvalidStateException"),
        (403, "InvalidObjectState"),
        (405, "MethodNotAllowed"),
        (400, "SomethingThatS3SaysTomorrow"),
    ],
)
def test_whatever_s3_refuses_for_one_object_s_sake_is_held(project: Project, status: int, code: str) -> None:
    project.drop("bad.csv", reviews(10))
    project.drop("good.csv", reviews(40, 40))
    with refusing(project, key="bad.csv", status=status, code=code):
        prepared = ask(project.claim())
    assert names(project, prepared) == ["good.csv"]
    assert code in only_hold(project).reason


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (400, "RequestTimeout"), (400, "ThrottlingException"), (429, "Slow")],
)
def test_what_may_pass_is_the_machine_s_to_ask_again_and_holds_nothing(
    project: Project, status: int, code: str
) -> None:
    project.drop("a.csv", reviews(40))
    execution = project.claim()
    with refusing(project, key="a.csv", status=status, code=code):
        for _ in range(3):
            with pytest.raises(ClientError, match=code):
                ask(execution)
    assert names(project, ask(execution)) == ["a.csv"], "what was asked again in vain does not count as died on"
    assert project.env.ledger.held() == {}


def test_where_landing_may_not_be_read_at_all_nothing_is_held(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    execution = project.claim()
    with (
        refusing(project, key=layout.LANDING, status=403, code="AccessDenied", operations=("GetObject", "HeadObject")),
        pytest.raises(ClientError, match="AccessDenied"),
    ):
        ask(execution)
    assert project.env.ledger.held() == {}
    assert names(project, ask(execution)) == ["a.csv"]


def test_a_right_that_comes_while_it_is_asked_for_is_enough(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    with refusing(project, key="a.csv", status=403, code="AccessDenied", times=1) as asked:
        assert names(project, ask(project.claim())) == ["a.csv"]
    assert len(asked) == 1


def test_what_could_not_be_read_is_tried_again_once_it_is_put_there_anew(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    with refusing(project, key="a.csv", status=403, code="AccessDenied"):
        assert ask(project.claim())["outcome"] == "nothing_new"
    assert pending(project.env) is None
    (before,) = landed(project.env)
    # S3's times are of whole seconds.
    while landed(project.env) == [before]:
        project.drop("a.csv", reviews(40))
    assert pending(project.env) == Start.settle("landing changed")
    assert names(project, again(project)) == ["a.csv"]


def test_what_could_not_be_read_is_tried_again_once_a_person_releases_it(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    with refusing(project, key="a.csv", status=403, code="AccessDenied"):
        ask(project.claim())
    release(Deployment.find(project.name), "a.csv", Console(quiet=True))
    assert project.env.ledger.held() == {}
    assert project.env.ledger.vouched() == set(), "nobody has seen its rows: Screen does"
    assert names(project, again(project)) == ["a.csv"]


def test_a_file_that_the_function_fails_on_is_held_and_the_rest_goes_on(project: Project) -> None:
    project.drop("bad.csv", reviews(10))
    project.drop("good.csv", reviews(40, 40))
    with breaking(project, "bad.csv", KeyError("a row's own words")):
        prepared = ask(project.claim())
    assert names(project, prepared) == ["good.csv"]
    (told,) = project.notifications()
    assert "landing/bad.csv was not used: the function itself fails on it" in told["Message"]
    assert re.search(r"\(KeyError at refusals\.py:\d+ in fail\)", told["Message"])
    assert "own words" not in told["Message"] + only_hold(project).reason
    assert names(project, again(project)) == ["good.csv"]


class _Disk:
    """A disk with room for so many bytes: it stands for Lambda's, of 4 GB."""

    def __init__(self, room: int) -> None:
        self.room = room

    def file(self) -> io.BytesIO:
        return _OnDisk(self)


class _OnDisk(io.BytesIO):
    def __init__(self, disk: _Disk) -> None:
        super().__init__()
        self._disk = disk

    def write(self, content: Any) -> int:
        if len(content) > self._disk.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._disk.room -= len(content)
        return super().write(content)

    def close(self) -> None:
        self._disk.room += len(self.getvalue()) if not self.closed else 0
        super().close()


def test_a_file_that_fills_the_function_s_disk_is_held_with_the_fix_and_the_rest_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.drop("bad.csv", reviews(10) + "a,b,c\n" * 2_000)
    project.drop("good.csv", reviews(40, 40))
    disk = _Disk(100_000)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", disk.file)
        prepared = ask(project.claim())
    assert names(project, prepared) == ["good.csv"]
    assert disk.room == 100_000, "what was made of the one is gone before the other is read"
    (told,) = project.notifications()
    why = "what is made of it is more than the function's disk of 4,096 MB holds: split the file"
    assert f"landing/bad.csv was not used: {why}" in told["Message"]
    assert why in only_hold(project).reason


def test_a_file_that_the_function_died_on_twice_is_held_and_the_rest_goes_on(project: Project) -> None:
    project.drop("bad.csv", reviews(10))
    project.drop("good.csv", reviews(40, 40))
    execution = project.claim()
    with breaking(project, "bad.csv", Killed()):
        for _ in range(2):
            with pytest.raises(Killed):
                ask(execution)
            assert project.env.ledger.held() == {}
        prepared = ask(execution)
    assert names(project, prepared) == ["good.csv"]
    assert "ran out of time or memory on it 2 times" in only_hold(project).reason
    assert len(project.notifications()) == 1
    assert ask(execution) == prepared
    release(Deployment.find(project.name), "bad.csv", Console(quiet=True))
    assert names(project, again(project)) == ["bad.csv", "good.csv"], "and has its two tries once more"


def test_a_file_that_the_function_died_on_once_is_used_and_forgotten(project: Project) -> None:
    project.drop("a.csv", reviews(40))
    execution = project.claim()
    for epoch in (1, 2, 3):
        project.configure(data={"epoch": epoch})
        with breaking(project, "a.csv", Killed()), pytest.raises(Killed):
            ask(execution)
        assert ask(execution)["outcome"] == "train"
    assert project.env.ledger.held() == {}


def test_what_a_function_died_on_comes_first_so_that_it_has_all_of_the_time(project: Project) -> None:
    project.drop("z.csv", reviews(40))
    execution = project.claim()
    with breaking(project, "z.csv", Killed()), pytest.raises(Killed):
        ask(execution)
    project.drop("a.csv", reviews(40, 40))
    with breaking(project, "a.csv", Killed()), pytest.raises(Killed):
        ask(execution)
    (z,) = (source for source in landed(project.env) if source.key.endswith("z.csv"))
    assert layout.part_report(1, z.source) in project.listed()


def test_what_is_listed_and_never_found_is_held(project: Project) -> None:
    project.drop("bad.csv", reviews(10))
    project.drop("good.csv", reviews(40, 40))
    with refusing(project, key="bad.csv", status=404, code="NoSuchKey"):
        prepared = ask(project.claim())
    assert names(project, prepared) == ["good.csv"]
    assert "S3 lists it and does not find it" in only_hold(project).reason


# ---- names ----------------------------------------------------------------------------------

NAMES = [
    "/x.csv",
    "a//b.csv",
    "new\nline.csv",
    "\x1b]0;title\x07\x1b[2J.csv",
    "tab\tand\rreturn.csv",
    "\u202evsc.exe.csv",
    "a b+c%20d&e<f>'\".csv",
    "Ünï çødé 文.csv",
    "../up.csv",
    "x" * (1024 - len("landing/") - len(".csv")) + ".csv",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_that_s3_takes_is_used(project: Project, name: str) -> None:
    project.drop(name, reviews(40))
    prepared = ask(project.claim())
    assert prepared["outcome"] == "train"
    assert names(project, prepared) == [name]
    conclude(project, prepared)
    assert pending(project.env) is None


@pytest.mark.parametrize("name", ["a/", "\x1b[2J\n\u202efdp.exe", "no suffix"])
def test_a_name_that_says_no_kind_is_held_and_shown_without_effect(project: Project, name: str) -> None:
    project.drop(name, reviews(40))
    assert ask(project.claim())["outcome"] == "nothing_new"
    assert only_hold(project).source.key == f"landing/{name}"
    (told,) = project.notifications()
    shown = told["Message"].splitlines()[0]
    assert shown.isprintable()
    assert "unknown kind of file" in shown


def test_a_folder_marker_is_no_file(project: Project) -> None:
    project.drop("a/", b"")
    assert landed(project.env) == []
