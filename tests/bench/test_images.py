"""The bench of images: the pictures that it asks, and that only servers of the same model are compared."""

from __future__ import annotations

from typing import Any

import pytest

from bench.image_model import PICTURE, requests
from bench.images import AnswersDiffer, check
from tasks.image.picture import canonical
from tasks.image.requests import parse


def test_our_server_reads_what_is_asked_as_it_is() -> None:
    bodies = requests(3, 2)
    asked = [picture.content for body in bodies for picture in parse("application/json", body).pictures]
    found = [canonical(content) for content in asked]
    # Else it would see other pixels than who does not make large pictures smaller.
    assert [picture.content for picture in found] == asked
    assert {picture.size for picture in found} == {PICTURE}
    assert len({picture.sha256 for picture in found}) == 6
    assert all(20_000 < len(content) < 120_000 for content in asked)


def test_the_same_pictures_are_asked_each_time() -> None:
    assert requests(2, 2) == requests(2, 2)


def answer(**scores: float) -> list[list[dict[str, Any]]]:
    return [[{"label": name, "score": score} for name, score in scores.items()]]


def test_servers_that_answer_otherwise_are_not_compared() -> None:
    ours = answer(cat=0.6, dog=0.4)
    check(ours, answer(cat=0.60001, dog=0.39999))
    for theirs in (answer(cat=0.61, dog=0.39), answer(dog=0.6, cat=0.4), answer(cat=0.6, cow=0.4)):
        with pytest.raises(AnswersDiffer, match="picture 0: ours answers"):
            check(ours, theirs)
