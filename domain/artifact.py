"""The model artifact's contract: what training writes into `model.tar.gz` and serving accepts, whatever the task.

What is a task's own in it stands in its folder (`tasks/`). Standard library only: both containers and every Lambda
share it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1

MANIFEST: Final = "manifest.json"
MODEL: Final = "model.onnx"
# The graph's large tensors, which ONNX Runtime maps into memory instead of copying them; a small model has none.
WEIGHTS: Final = "model.onnx.data"
METRICS: Final = "metrics.json"

# The variable by which a server is told the SHA-256 of the manifest that its model must have.
MANIFEST_SHA256: Final = "MANIFEST_SHA256"


class ArtifactError(Exception):
    """The archive or the model directory is not one that this version can trust or serve.

    ArtifactError
      SealBroken          the manifest is not the one that was judged
      UnlistedFile        something lies there that the manifest does not list
    """


class SealBroken(ArtifactError):
    """The manifest is not the one that was judged: this is another model."""


class UnlistedFile(ArtifactError):
    """Something lies in the model directory that the manifest does not list, so no checksum covers it."""


@dataclass(frozen=True)
class Manifest:
    """`manifest.json`. `task` names the folder in `tasks/`; `own` is what that task wrote, in the file beside the rest.

    `sha256` maps file names to hex digests.
    """

    task: str
    run: str
    dataset: str
    base_model: str | None
    base_revision: str | None
    features: tuple[str, ...]
    own: Mapping[str, Any] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form: lists for tuples."""
        common = {name: value for name, value in asdict(self).items() if name != "own"}
        return {**self.own, **common, "features": list(self.features)}


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, 64 hex digits, in constant memory. Raises OSError if it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
