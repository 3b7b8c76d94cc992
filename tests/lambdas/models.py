"""Real models to judge and deploy, and rows that one of them answers all right."""

from __future__ import annotations

import math
import random
from functools import cached_property
from pathlib import Path

from serving.artifact import extract
from tasks.text.predict import Predictor
from tests.text_model import load
from tests.tiny_model import WORDS, tiny_artifact

LABELS = ["neg", "pos"]
_chance = random.Random(7)
TEXTS = [" ".join(_chance.choices(WORDS, k=6)) + f" {number}" for number in range(600)]


class Models:
    """`right` labels the rows of `reviews`, so it is right on all of them; `other` is often wrong, `constant` half."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def right(self) -> Path:
        return tiny_artifact(self._folder / "right", LABELS, seed=4)

    @cached_property
    def equal(self) -> Path:
        """Another artifact of the same weights."""
        return tiny_artifact(self._folder / "equal", LABELS, seed=4, run="ba9876543210")

    @cached_property
    def other(self) -> Path:
        return tiny_artifact(self._folder / "other", LABELS, seed=3)

    @cached_property
    def constant(self) -> Path:
        return tiny_artifact(self._folder / "constant", LABELS, seed=4, bias=[-50.0, 50.0])

    @cached_property
    def silent(self) -> Path:
        """Its answers are no numbers, so its server never passes a health check."""
        return tiny_artifact(self._folder / "silent", LABELS, seed=4, bias=[math.nan, math.nan])

    @cached_property
    def predictor(self) -> Predictor:
        """`right`, loaded."""
        return load(extract(self.right, self._folder / "unpacked"))

    @cached_property
    def _answers(self) -> list[str]:
        return [found[0].label for found in self.predictor.predict(TEXTS)]

    def reviews(self, first: int = 0, last: int = 200, *, flipped: bool = False) -> str:
        """A CSV of texts with `right`'s labels; `flipped` gives each the other's label."""
        swap = {"neg": "pos", "pos": "neg"}
        rows = list(zip(TEXTS, self._answers, strict=True))[first:last]
        return "\n".join(["text,label", *(f"{text},{swap[label] if flipped else label}" for text, label in rows), ""])
