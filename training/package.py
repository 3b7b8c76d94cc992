"""What a job leaves behind for serving: the model artifact."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.artifact import MANIFEST, METRICS, Manifest, sha256_file
from training.checkpoints import write_json


def write_artifact(directory: Path, files: Mapping[str, Path], manifest: Manifest, metrics: Mapping[str, Any]) -> None:
    """Write the artifact's `files` (by their names in it) into `directory`, the metrics, and the manifest last.

    SageMaker uploads /opt/ml/model of a job it stops at its time limit too: an artifact without a manifest is none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        partial = directory / f"{name}.partial"
        shutil.copyfile(source, partial)
        os.replace(partial, directory / name)
    write_json(directory / METRICS, metrics)
    sums = {name: sha256_file(directory / name) for name in (*files, METRICS)}
    write_json(directory / MANIFEST, replace(manifest, sha256=sums).to_json())
