"""The story of images: digits that people wrote by hand, and a small network that learns them from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from domain.settings import Kind
from ops import digits
from ops.demo.play import Play
from ops.demo.settings import SERVING, WAITS

_PLAN: Final = digits.Plan()


def _prepare(folder: Path) -> list[Path]:
    return digits.prepare(folder, _PLAN)


PLAYS: Final[dict[Kind, Play]] = {
    "classification": Play(
        settings={
            "project": "digits",
            "data": WAITS,
            "training": {
                # Nothing is downloaded: a small network learns from these pictures alone.
                "base_model": None,
                "hyperparameters": {"epochs": 4, "learning_rate": 3e-3, "image_size": 28},
            },
            "serving": SERVING,
        },
        what="real pictures of handwritten digits",
        rows="pictures in one folder, with a metadata.csv",
        format=digits.FORMAT,
        prepare=_prepare,
        first=digits.FIRST,
        second=digits.SECOND,
        shuffled=digits.SHUFFLED,
        broken=digits.BROKEN,
        spoiled=_PLAN.broken,
        reshaped=digits.SINGLE,
        fourth="Two more files: one has some pictures that cannot be used, the other is a single picture",
        place=("picture", "excerpt"),
        asked=tuple(digits.ASKED),
        typed=next(iter(digits.ASKED)),
    )
}
