"""From an unpacked artifact to a model that answers, whatever its task."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import tasks
from serving.manifest import read_manifest, verify
from tasks.contract import Predictor


def load(model_dir: Path, threads: int = 1, *, sealed: str | None = None) -> Predictor:
    """Load an unpacked artifact to predict `threads` rows at once; `sealed` is its manifest's SHA-256 (None: any).

    Raises ArtifactError, or OSError for a file that is there but cannot be read.
    """
    manifest = read_manifest(model_dir, sealed)
    return tasks.predict(manifest.task).load(model_dir, manifest, partial(verify, model_dir, manifest), threads)
