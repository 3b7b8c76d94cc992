"""What became of the labels: a change is told, and nothing is told that was told before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.data.vocabulary import Changes, Counts, changes, sentence, sentence_aside

BEFORE = {"pos": Counts(900, 90), "neg": Counts(800, 80), "odd": Counts(20, 2)}
counts = st.dictionaries(
    st.text("abc", min_size=1, max_size=2),
    st.integers(1, 50).flatmap(lambda rows: st.builds(Counts, st.just(rows), st.integers(0, rows))),
)


def test_new_vanished_and_rare_labels_come_with_their_rows() -> None:
    now = {"pos": Counts(950, 95), "neg": Counts(40, 4), "odd": Counts(20, 2), "posi": Counts(7, 1)}
    found = changes(now, BEFORE | {"other": Counts(1200, 120)}, 10)
    assert found == Changes(new={"posi": 7}, vanished={"other": 1200}, rare={"neg": 4, "posi": 1})
    assert sentence(found, 10) == (
        "Labels new: 'posi' (7 rows); gone since the live model: 'other' (1,200 rows); "
        "not judged one by one, with under 10 held-out rows: 'neg' (4 rows), 'posi' (1 rows)."
    )


def test_without_a_model_before_no_label_is_new_but_some_may_be_rare() -> None:
    assert changes(BEFORE, None, 10) == Changes(new={}, vanished={}, rare={"odd": 2})


def test_of_many_labels_the_first_are_named_and_the_rest_counted() -> None:
    many = {f"label {number:02}": Counts(1, 1) for number in range(25)}
    assert str(sentence(changes(many, {}, 1), 1)).endswith("'label 09' (1 rows) and 15 more.")


@given(counts, st.integers(0, 20))
def test_the_same_labels_again_are_never_told(now: dict[str, Counts], least: int) -> None:
    assert sentence(changes(now, now, least), least) is None


@given(counts, counts, st.integers(0, 20))
def test_every_label_that_differs_is_told_and_no_other(
    now: dict[str, Counts], before: dict[str, Counts], least: int
) -> None:
    found = changes(now, before, least)
    assert found.new.keys() == now.keys() - before.keys()
    assert found.vanished.keys() == before.keys() - now.keys()
    assert found.rare.keys() <= now.keys()
    assert all(rows < least for rows in found.rare.values())


def test_labels_that_are_alike_or_none_are_named_on_the_first_drop_and_not_again() -> None:
    now = {"Pos": Counts(900, 90), "pos": Counts(5, 5), "-1": Counts(3, 3), "label": Counts(1, 1)}
    found = changes(now, None, 0)
    assert found.alike == [{"Pos": 900, "pos": 5}]
    assert found.odd == {"-1": 3, "label": 1}
    said = str(sentence(found, 0))
    assert "differ only in case, white space or width are different labels: 'Pos' (900 rows), 'pos' (5 rows)." in str(
        said
    )
    assert "look as if there were none: '-1' (3 rows), 'label' (1 rows). If they are not meant: remove" in said
    assert sentence(changes(now, now, 0), 0) is None
    assert changes(now | {"POS": Counts(1, 1)}, now, 0).alike == [{"POS": 1, "Pos": 900, "pos": 5}]


def test_labels_set_aside_are_told_with_their_rows_once() -> None:
    rows = {"odd": 1, "neutral": 3}
    assert sentence_aside(rows, ["odd"], 5) == (
        "Labels set aside until there are 5 different training rows of each: 'neutral' (3 rows)."
    )
    assert sentence_aside(rows, rows, 5) is sentence_aside({}, rows, 5) is None
