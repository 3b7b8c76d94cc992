"""The image of images serves one with what it holds."""

from __future__ import annotations

from pathlib import Path

from tests.serving.test_image import serves_from_its_image
from tests.tasks.image.conftest import Trained
from tests.tasks.image.jobs import shapes


def test_serves_from_what_is_in_the_image(trained: Trained, tmp_path: Path) -> None:
    serves_from_its_image("image", trained.folder, shapes(1, seed=3)[0]["features"]["image"], tmp_path)
