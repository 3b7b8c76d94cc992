"""The image of tables serves one with what it holds."""

from __future__ import annotations

from pathlib import Path

from tests.serving.test_image import serves_from_its_image
from tests.tasks.tabular.conftest import Trained


def test_serves_from_what_is_in_the_image(cancer: Trained, tmp_path: Path) -> None:
    serves_from_its_image("tabular", cancer.root / "model", {"mean area": 500.5, "rare one": "a"}, tmp_path)
