"""What the dataset is: fold order, held sources and their predecessors, versions and their manifests."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import layout
from domain.data.dataset import Hold, Source, Version, current, holds_for, in_force, valid_in


def source(name: str, etag: str = "1", at: str = "2026-01-01T00:00:00+00:00") -> Source:
    return Source.of(f"landing/{name}", etag, at)


A, B, C = source("a", at="2026-01-03"), source("b", at="2026-01-01"), source("c", at="2026-01-02")
sources = st.lists(
    st.builds(source, st.sampled_from("abcdef"), st.sampled_from("123"), st.sampled_from(["2026-01-01", "2026-01-02"])),
    max_size=8,
    unique_by=lambda item: item.key,
)


def test_rows_fold_in_the_order_in_which_files_came() -> None:
    assert current([A, B, C], {}) == [B, C, A]


def test_files_of_the_same_moment_fold_by_name() -> None:
    assert [item.key for item in current([source("z"), source("m"), source("a")], {})] == [
        "landing/a",
        "landing/m",
        "landing/z",
    ]


@given(sources, st.randoms())
def test_the_order_of_the_listing_does_not_matter(landed: list[Source], chance: Random) -> None:
    shuffled = list(landed)
    chance.shuffle(shuffled)
    assert current(shuffled, {}) == current(landed, {})


def test_quotes_around_an_etag_do_not_make_another_source() -> None:
    assert Source.of("landing/a", '"abc"', "t") == Source.of("landing/a", "abc", "t")


def test_the_same_bytes_under_another_key_and_other_bytes_under_the_same_key_are_other_sources() -> None:
    assert (
        len(
            {layout.source_id("landing/a", "1"), layout.source_id("landing/b", "1"), layout.source_id("landing/a", "2")}
        )
        == 3
    )


def test_a_held_source_is_left_out() -> None:
    assert current([A, B], {A.source: Hold(A, "r", "bad")}) == [B]


def test_a_held_overwrite_leaves_its_accepted_predecessor_in_its_old_place() -> None:
    overwritten = source("b", "2", at="2026-01-09")
    held = {overwritten.source: Hold(overwritten, "r", "bad", B)}
    assert current([A, overwritten], held) == [B, A]


@pytest.mark.parametrize("landed", [[A], [A, source("b", "3")]], ids=["deleted", "overwritten"])
def test_a_hold_ends_with_its_object(landed: list[Source]) -> None:
    overwritten = source("b", "2")
    held = {overwritten.source: Hold(overwritten, "r", "bad", B)}
    assert set(current(landed, held)) == set(landed)


def test_what_the_champion_does_not_have_is_held() -> None:
    overwritten = source("b", "2")
    holds = holds_for("r", "worse", 1, judged=[A, overwritten, C], accepted=[A, B])
    assert holds == [Hold(overwritten, "r", "worse", B), Hold(C, "r", "worse")]


@given(sources, sources)
def test_after_the_holds_nothing_is_left_that_the_champion_does_not_have(
    landed: list[Source], known: list[Source]
) -> None:
    accepted = [item for item in known if item.key in {one.key for one in landed}]
    holds = {hold.source.source: hold for hold in holds_for("r", "worse", 1, landed, accepted)}
    assert {one.source for one in current(landed, holds)} == {one.source for one in accepted}


def test_a_new_epoch_tries_again_what_could_not_be_read_and_keeps_out_what_did_harm() -> None:
    unread, harmful = Hold(A, None, "no column", C), Hold(B, "r", "worse", C)
    held = {A.source: unread, B.source: harmful}
    assert valid_in(1, held) == held
    assert valid_in(2, held) == {B.source: Hold(B, "r", "worse", None)}


def version(*members: Source) -> Version:
    rows = {item.source: {"train": 8, "validation": 1, "test": 1} for item in members}
    return Version.of(1, list(members), rows, {"pos", "neg"})


def test_a_version_survives_its_manifest() -> None:
    made = version(B, A)
    assert Version.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert made.labels == ("neg", "pos")
    assert [made.count(split) for split in layout.SPLITS] == [16, 2, 2]


def test_order_and_epoch_are_part_of_a_dataset_s_identity() -> None:
    ids = {version(A, B).dataset, version(B, A).dataset, Version.of(2, [A, B], {}, set()).dataset}
    assert len(ids) == 3
    assert version(A, B).dataset == version(A, B).dataset


def test_a_channel_manifest_lists_the_parts_as_sagemaker_reads_them() -> None:
    assert version(B, A).channel_manifest("bucket", "train") == [
        {"prefix": "s3://bucket/datasets/e1/parts/train/"},
        f"{B.source}.jsonl.gz",
        f"{A.source}.jsonl.gz",
    ]


def test_the_dataset_manifest_joins_to_the_keys_that_layout_gives() -> None:
    made = version(B, A)
    head, *names = made.dataset_manifest("bucket")
    expected = [
        layout.version(1, made.dataset, "manifest.json"),
        layout.test_ids(1, B.source),
        layout.test_ids(1, A.source),
    ]
    assert isinstance(head, dict)
    assert [f"{head['prefix']}{name}" for name in names] == [layout.s3_uri("bucket", key) for key in expected]


def test_a_manifest_of_another_shape_is_refused() -> None:
    with pytest.raises(KeyError):
        Version.from_json({"dataset": "d", "epoch": 1})


def test_what_could_not_be_read_is_another_object_once_it_was_put_there_anew() -> None:
    unread = Hold(A, None, "archived", again="read")
    anew = source("a", at="2026-01-04")
    assert current([A], {A.source: unread}) == []
    assert current([anew], {A.source: unread}) == [anew]
    assert in_force([A], {A.source: unread}) == {A.source: unread}
    assert in_force([anew], {A.source: unread}) == {}
    assert current([anew], {A.source: Hold(A, "r", "worse")}) == []


def test_the_labels_set_aside_are_part_of_a_version_s_identity_and_survive_its_manifest() -> None:
    rows = {A.source: {"train": 8, "validation": 1, "test": 1}}
    without, whole = (Version.of(1, [A], rows, {"pos", "neg", "odd"}, aside) for aside in (["odd"], []))
    assert (without.labels, without.set_aside) == (("neg", "pos"), ("odd",))
    assert without.dataset != whole.dataset == layout.dataset_id(1, [A.source])
    assert Version.from_json(json.loads(json.dumps(without.to_json()))) == without


@pytest.mark.parametrize(
    ("key", "size", "is_file"),
    [("landing/a.csv", 0, True), ("landing//a.csv", 1, True), ("landing/a/", 0, False), ("landing/a/", 1, True)],
)
def test_a_folder_marker_is_empty_and_ends_in_a_slash(key: str, size: int, is_file: bool) -> None:
    assert layout.is_landing(key, size) is is_file
