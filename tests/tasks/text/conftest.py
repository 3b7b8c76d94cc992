"""The tiny model that the server's tests have, too."""

from __future__ import annotations

from tests.serving.conftest import artifact, edited, model_dir, predictor

__all__ = ["artifact", "edited", "model_dir", "predictor"]
