"""The scores are scikit-learn's."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from domain.gate.scores import confusion, majority_label, score

pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde")), min_size=1, max_size=60)


@given(pairs)
def test_scores_are_those_of_scikit_learn(found: list[tuple[str, str]]) -> None:
    labels, predictions = [one for one, _ in found], [two for _, two in found]
    names = sorted(set(labels))
    ours = score(labels, predictions)
    theirs = precision_recall_fscore_support(labels, predictions, labels=names, zero_division=0)
    assert ours.accuracy == pytest.approx(accuracy_score(labels, predictions))
    assert ours.macro_f1 == pytest.approx(theirs[2].mean())
    table = [(item.label, item.precision, item.recall, item.f1, item.support) for item in ours.labels]
    for row, expected in zip(table, zip(names, *theirs, strict=True), strict=True):
        assert row[0] == expected[0]
        assert row[1:] == pytest.approx(expected[1:])


@given(pairs, st.randoms())
def test_the_order_of_rows_does_not_matter(found: list[tuple[str, str]], chance: Random) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    one, two = (score([a for a, _ in rows], [b for _, b in rows], 3) for rows in (found, shuffled))
    assert one == two


@given(pairs)
def test_confusion_counts_are_those_of_scikit_learn(found: list[tuple[str, str]]) -> None:
    labels, predictions = [one for one, _ in found], [two for _, two in found]
    names = sorted({*labels, *predictions})
    assume(len(names) > 1)  # scikit-learn warns of a matrix of one cell
    theirs = confusion_matrix(labels, predictions, labels=names)
    ours = confusion(labels, predictions)
    assert sum(count for *_, count in ours) == len(found)
    assert all(count == theirs[names.index(label), names.index(answer)] for label, answer, count in ours)


def test_rare_labels_are_listed_and_left_out_of_macro_f1() -> None:
    found = score(["a", "a", "b", "b", "c"], ["a", "a", "b", "b", "a"], min_label_rows=2)
    assert found.left_out == ("c",)
    assert found.macro_f1 == pytest.approx((0.8 + 1.0) / 2)


def test_if_all_labels_are_rare_all_count() -> None:
    found = score(["a", "b"], ["a", "a"], min_label_rows=10)
    assert found.left_out == ()
    assert found.macro_f1 == pytest.approx(1 / 3)


@pytest.mark.parametrize(("labels", "predictions"), [([], []), (["a"], []), (["a"], ["a", "b"])])
def test_empty_or_unequal_input_is_refused(labels: list[str], predictions: list[str]) -> None:
    with pytest.raises(ValueError, match="need as many of both"):
        score(labels, predictions)


def test_the_commonest_label_does_not_depend_on_the_order_of_rows() -> None:
    assert majority_label(["a", "b", "a", "c"]) == "a"
    assert majority_label(["b", "a"]) == majority_label(["a", "b"]) == "a"
